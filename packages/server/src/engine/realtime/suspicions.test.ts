/** Reports of what looks like an attack do not become one: their lines are bounded. */
import { describe, expect, it } from 'vitest'
import { serveNamespace } from '../namespace-handlers.ts'
import { posts } from '../testing/example-namespaces.ts'
import { openRealtimeWorld } from '../testing/realtime-world.ts'
import { createRecordingLogger } from '../testing/recording-logger.ts'
import { Suspicions } from './suspicions.ts'

describe('suspicions', () => {
  it('writes sixty lines a minute, and then how many were not written', () => {
    const logger = createRecordingLogger()
    const suspicions = new Suspicions(logger)
    for (let n = 0; n < 1_000; n += 1) suspicions.report({ reason: 'flood', user: `u${n}` })
    expect(logger.at('warn')).toHaveLength(60)
    expect(suspicions.seen).toEqual(new Map([['flood', 1_000]]))
    suspicions.nextMinute()
    expect(logger.at('warn')).toHaveLength(61)
    expect(logger.at('warn').at(-1)?.fields).toEqual({ count: 940 })
    suspicions.nextMinute()
    expect(logger.at('warn')).toHaveLength(61)
    suspicions.report({ reason: 'other' })
    expect(logger.at('warn')).toHaveLength(62)
    expect(logger.at('warn').at(-1)?.fields).toEqual({ reason: 'other' })
  })

  it('are bounded over the whole engine, minute by minute', async () => {
    await using world = await openRealtimeWorld({ namespaces: [serveNamespace(posts, { commands: {} })] })
    for (let n = 0; n < 200; n += 1) {
      const session = world.connect().open('/posts', { token: 'nonsense' })
      await expect(session.entered).rejects.toThrow()
    }
    expect(world.logger.at('warn')).toHaveLength(60)
    world.clock.advance(60_000)
    expect(world.logger.at('warn')).toHaveLength(61)
    expect(world.realtime.suspicions.seen).toEqual(new Map([['refused: token_invalid', 200]]))
  })
})

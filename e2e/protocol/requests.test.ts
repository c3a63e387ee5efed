/** Requests: the server asks one client, and waits for its answer (R8). */
import type { UserId } from '@belfry/contract'
import { describe, expect, it } from 'vitest'
import { createTestClock } from '../../packages/server/src/engine/testing/test-clock.ts'
import { openSpeaker, transports } from './speakers.ts'
import { bob, count, openWorld, type World } from './world.ts'

const sessionOf = (world: World, user = 'ana') => {
  const [session] = world.realtime.users.sessionsOf(user as UserId)
  if (session === undefined) throw new Error(`${user} has no session.`)
  return session
}
describe.each(transports)('a request over %s', (transport) => {
  it('[R8] has no cursor, and resolves with what the client answers', async () => {
    await using world = await openWorld()
    const speaker = await openSpeaker(world, transport)
    await speaker.enter(world.token())
    const answers = count(2).map((n) => world.realtime.request(sessionOf(world), 'post:ask', { n }, 5_000))
    const ids: string[] = []
    for (const n of count(2)) {
      const packet = await speaker.hearText()
      const [, id = '', args = ''] = /^2\/posts,(\d+)(.*)$/.exec(packet) ?? []
      ids.push(id)
      expect(JSON.parse(args)).toEqual(['post:ask', { n, _meta: expect.anything() }])
    }
    // Answered the other way round, and once too often.
    await speaker.say(
      `3/posts,${ids[1]}["one"]`,
      `3/posts,${ids[0]}[{"zero":0}]`,
      `3/posts,${ids[0]}["again"]`,
    )
    expect(await Promise.all(answers)).toEqual([{ zero: 0 }, 'one'])
  })

  it('[R8] may be answered with bytes, or with nothing', async () => {
    await using world = await openWorld()
    const speaker = await openSpeaker(world, transport)
    await speaker.enter(world.token())
    const ask = async () => {
      const answer = world.realtime.request(sessionOf(world), 'post:ask', {}, 5_000)
      const id = /^2\/posts,(\d+)/.exec(await speaker.hearText())?.[1]
      return { answer, id }
    }
    const one = await ask()
    await speaker.say(`61-/posts,${one.id}[{"_placeholder":true,"num":0}]`, Buffer.from([1, 2]))
    expect(await one.answer).toEqual(Buffer.from([1, 2]))
    const other = await ask()
    await speaker.say(`3/posts,${other.id}[]`)
    expect(await other.answer).toBeUndefined()
  })

  it('[TR6] is given up at its time and not before, and an answer that comes later is ignored', async () => {
    const clock = createTestClock()
    await using world = await openWorld({ clock })
    const speaker = await openSpeaker(world, transport)
    await speaker.enter(world.token())
    for (const [phase, timeoutMs] of [
      [0, 100],
      [1, 100],
      [49, 60],
      [25, 2_000],
    ] as const) {
      clock.advance(phase)
      let isOver = false
      const answer = world.realtime.request(sessionOf(world), 'post:ask', {}, timeoutMs)
      const code = answer.catch((error: { code?: unknown }) => {
        isOver = true
        return error.code
      })
      const id = /^2\/posts,(\d+)/.exec(await speaker.hearText())?.[1]
      clock.advance(timeoutMs - 1)
      await new Promise((resolve) => setImmediate(resolve))
      expect([phase, isOver]).toEqual([phase, false])
      clock.advance(101)
      expect(await code).toBe('timeout')
      await speaker.say(`3/posts,${id}["too late"]`)
    }
    expect(world.closed()).toEqual({})
  })

  it('[R8] [TR6] is refused as disconnected when the client goes, or was gone', async () => {
    await using world = await openWorld()
    const speaker = await openSpeaker(world, transport)
    await speaker.enter(world.token())
    const session = sessionOf(world)
    const answer = world.realtime.request(session, 'post:ask', {}, 5_000)
    await speaker.hearText()
    const refusal = expect(answer).rejects.toMatchObject({ code: 'disconnected' })
    await speaker.say('1/posts,')
    await refusal
    await expect(world.realtime.request(session, 'post:ask', {}, 5_000)).rejects.toMatchObject({
      code: 'disconnected',
    })
  })

  it('of one session is not answered by what another one of the connection still had to say', async () => {
    await using world = await openWorld()
    const speaker = await openSpeaker(world, transport)
    await speaker.enter(world.token())
    const first = world.realtime.request(sessionOf(world), 'post:ask', { n: 1 }, 5_000)
    const gone = expect(first).rejects.toMatchObject({ code: 'disconnected' })
    const late = /^2\/posts,(\d+)/.exec(await speaker.hearText())?.[1]
    await speaker.say('1/posts,')
    await gone
    await speaker.enter(world.token(bob))
    const second = world.realtime.request(sessionOf(world, 'bob'), 'post:ask', { n: 2 }, 5_000)
    const id = /^2\/posts,(\d+)/.exec(await speaker.hearText())?.[1]
    await speaker.say(`3/posts,${late}["of Ana"]`, `3/posts,${id}["of Bob"]`)
    expect(await second).toBe('of Bob')
  })
})

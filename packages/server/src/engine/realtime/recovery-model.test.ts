/**
 * Cuts, slow readers, rooms that change, all at once and by chance: a model says what each client has to get.
 */
import { type RoomRef, roomName } from '@belfry/contract'
import { describe, expect, it } from 'vitest'
import type { MemoryClient, MemorySession } from '../memory/transport-client.ts'
import { posts } from '../testing/example-namespaces.ts'
import { SeededRandom } from '../testing/seeded-random.ts'
import { acme, episode, everyone, live, open, said, visit } from '../testing/visits.ts'

describe('cuts, slow readers and everything else at once', () => {
  it.each([1, 2, 3, 4, 5, 6, 7, 8])('lose nothing and double nothing: seed %i', async (seed) => {
    const random = new SeededRandom(seed)
    await using world = await open({
      queueBounds: { congestedBytes: 2_000, fullBytes: 4_000, overflowBytes: 40_000 },
    })
    interface Visitor {
      readonly client: MemoryClient
      readonly session: MemorySession
      readonly rooms: Set<string>
      readonly expected: number[]
    }
    const visitors: Visitor[] = []
    const refs = [everyone, acme, ...['1', '2', '3'].map(episode)]
    for (let index = 0; index < 8; index += 1) {
      const visitor = await visit(world, {
        userId: `user-${index}`,
        workspaces: index % 2 === 0 ? ['acme'] : [],
      })
      const rooms = [everyone, ...(index % 2 === 0 ? [acme] : [])].map(roomName)
      visitors.push({ ...visitor, rooms: new Set(rooms), expected: [] })
    }
    let n = 0
    for (let step = 0; step < 1_500; step += 1) {
      const visitor = random.oneOf(visitors)
      const { client, session, rooms } = visitor
      const what = random.below(100)
      if (what < 6) client.cut()
      else if (what < 10) client.pause()
      else if (what < 16) client.resume()
      else if (what < 22) world.clock.advance(random.below(800))
      else if (what < 30 && session.state === 'open' && client.connection !== undefined) {
        const room = random.oneOf(refs.slice(2))
        const known = world.realtime.session(session.id as never)
        if (known === undefined) continue
        if (rooms.has(roomName(room))) {
          void known.leave(room)
          rooms.delete(roomName(room))
        } else {
          void known.join(room)
          rooms.add(roomName(room))
        }
      } else if (what < 40) world.memory.flush()
      else if (what < 44) await new Promise((resolve) => setImmediate(resolve))
      else {
        const to = [random.oneOf(refs), ...random.someOf(refs, 2)]
        const except = random.chance(20) ? [random.oneOf(refs)] : []
        for (let count = random.below(6); count >= 0; count -= 1) {
          n += 1
          await world.realtime.publish(posts, 'post:created', { n }, { rooms: to, except })
          for (const each of visitors) {
            const isIn = (ref: RoomRef) => each.rooms.has(roomName(ref))
            if (to.some(isIn) && !except.some(isIn)) each.expected.push(n)
          }
        }
      }
    }
    for (const { client, session, expected } of visitors) {
      client.resume()
      if (session.state !== 'open') world.clock.advance(1_000)
      await live(world, session)
      expect(said(session)).toEqual(expected)
    }
    const { recovered, resets } = world.realtime.recoveries
    const { replayed = 0, fellBehind } = world.realtime.namespaces.get('/posts') ?? {}
    expect(resets.size).toBe(0)
    // Otherwise this would say little.
    expect(Math.min(recovered, replayed / 10)).toBeGreaterThan(10)
    expect(fellBehind).toBeGreaterThan(2)
  })
})

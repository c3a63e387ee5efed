/**
 * Somebody on the same server who does nothing wrong: whatever others do, it gets every event once and in order, and
 * its commands are answered.
 */
import { inspect } from 'node:util'
import { expect } from 'vitest'
import { posts } from './namespaces.ts'
import { until } from './until.ts'
import { type ClientOptions, connected, hearing, numbersOf, type World } from './world.ts'

export interface Bystander {
  readonly userId: string
  /** Publishes the next event to everybody. */
  publish(text?: string): Promise<void>
  /** It has everything that was published until now. */
  hasAll(): Promise<void>
  /** And its commands are answered, and its events come. */
  isFine(): Promise<void>
}

const user = { sub: 'bystander' }

/** One for each options; without any, one over WebSocket. */
export async function openBystander(world: World, ...options: readonly ClientOptions[]): Promise<Bystander> {
  const all = options.length === 0 ? [{ transports: ['websocket'] }] : options
  const clients = await Promise.all(
    all.map((each) => connected(world.client({ token: world.token(user), ...each }))),
  )
  const heard = clients.map(hearing)
  const lost: string[] = []
  for (const client of clients)
    client.on('disconnect', (reason, details) => lost.push(`${reason} ${inspect(details)}`))
  let published = 0
  const own: Bystander = {
    userId: user.sub,
    async publish(text) {
      const n = published
      published += 1
      await world.publish(posts, 'post:created', text === undefined ? { n } : { n, text })
    },
    async hasAll() {
      await until(() => lost.length > 0 || heard.every(({ length }) => length >= published), {
        what: `${published} events at each bystander`,
      })
      expect(lost, 'why bystanders lost their connections').toEqual([])
    },
    async isFine() {
      await own.publish()
      await own.hasAll()
      for (const [index, client] of clients.entries()) {
        expect(
          firstGap(numbersOf(heard[index] ?? [])),
          'the first event that is not in order',
        ).toBeUndefined()
        expect(heard[index]).toHaveLength(published)
        const { data } = await client.timeout(10_000).emitWithAck('post:view', { id: 'bystander' })
        expect(data).toEqual({ id: 'bystander', seen: true })
      }
    },
  }
  return own
}

/** Where numbers stop to be 0, 1, 2, and so on. */
function firstGap(numbers: readonly number[]): { at: number; got: number } | undefined {
  const at = numbers.findIndex((number, index) => number !== index)
  return at === -1 ? undefined : { at, got: numbers[at] ?? Number.NaN }
}

/** Clients of `@belfry/client` in a world: with a clock that is moved by hand, and nothing left of them at the end. */
import { type Client, type ClientOptions, createClient } from '@belfry/client'
import { expect } from 'vitest'
import { createTestClock, type TestClock } from '../../packages/client/src/testing/test-clock.ts'
import { until } from '../protocol/until.ts'
import type { World } from '../protocol/world.ts'

export interface Tested extends Disposable {
  readonly client: Client
  readonly clock: TestClock
  /** What listeners threw. */
  readonly errors: readonly unknown[]
  /** States of the connection, in the order in which they came. */
  readonly states: readonly string[]
}

/** Its waits are the shortest: none is spread. */
export function openClient(world: World, options: Partial<ClientOptions> = {}): Tested {
  const clock = createTestClock()
  const errors: unknown[] = []
  const client = createClient({
    url: world.url,
    token: () => world.token(),
    socket: { transports: ['websocket'] },
    onError: (error) => errors.push(error),
    clock,
    random: () => 0,
    ...options,
  })
  const states: string[] = [client.state.get().status]
  client.state.subscribe(() => states.push(client.state.get().status))
  return {
    client,
    clock,
    errors,
    states,
    [Symbol.dispose]() {
      client.close()
      expect(clock.timers, 'timers of a client that was closed').toBe(0)
    },
  }
}

interface Stateful {
  readonly state: { get(): { readonly status: string } }
}

export function becomes({ state }: Stateful, status: string): Promise<void> {
  return until(() => state.get().status === status, {
    get what() {
      return `${status}; it is ${JSON.stringify(state.get())}`
    },
  })
}

export const isOpen = (live: Stateful): Promise<void> => becomes(live, 'open')

export const sessionsOf = (world: World, user = 'ana') =>
  [...world.realtime.connections].flatMap(({ sessions }) =>
    sessions.filter(({ principal }) => principal.userId === user),
  )

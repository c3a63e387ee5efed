/** What the servers and the generator of this bench agree on: who connects, to what, and what is said there. */

export const secret = 'the shared secret of this bench, 32 bytes or more'

/** A client connects to the first so many of them. */
export const namespaceNames = ['/posts', '/notifications', '/presence', '/updates'] as const
export type BenchNamespace = (typeof namespaceNames)[number]

/** Every client is in it; besides, each is in the room of its user. */
export const workspaceId = 'acme'
export const userIdOf = (index: number) => `user-${index}`

export const eventName = 'post:created'
export const commandName = 'post:view'
export const commandInput = { postId: 'post-00001234', from: 'the list of what is new' }

export interface PostCreated {
  readonly id: string
  readonly title: string
  readonly text: string
  /** When it was published: microseconds of the clock that all processes of a machine share. */
  readonly t: number
}

/** Bytes of the payload as JSON, about; what a server adds comes on top. */
export const payloadBytes = 200

export function postOf(number: number, t: number): PostCreated {
  return { id: `post-${String(number).padStart(8, '0')}`, title, text, t }
}

const title = 'A post with a title of a common length'
const text = 'x'.repeat(
  payloadBytes - JSON.stringify({ id: 'post-00000000', title, text: '', t: 1e11 }).length,
)

/** Microseconds. Processes of one machine read the same clock, so that one can stamp and another compare. */
export function sharedMicros(): number {
  return Number(process.hrtime.bigint()) / 1_000
}

/** Sends to the clients of one room; both servers have one. */
export type Publish = (room: 'workspace' | 'user', data: PostCreated) => void

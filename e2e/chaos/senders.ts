/**
 * Programs that send notifications and publish events over REST. What got no answer, or was refused because something
 * was away, is sent again with the same key until it is acknowledged: as docs/notifications.md says.
 */
import { randomUUID } from 'node:crypto'
import type { SeededRandom } from '../../packages/server/src/engine/testing/seeded-random.ts'
import { until } from '../protocol/until.ts'

export interface Sent {
  readonly key: string
  readonly users: readonly string[]
  /** As the server answered. */
  readonly id: string
}

export interface Published {
  readonly key: string
  readonly user: string
  /** Each event of the request has one. */
  readonly ids: readonly string[]
}

export interface Senders {
  readonly sent: readonly Sent[]
  readonly published: readonly Published[]
  readonly acknowledged: number
  /** Requests that were sent again. */
  readonly repeats: number
  /** Of those, the ones that had taken effect without an answer. */
  readonly takenBefore: number
  /** Answers that said: not now. */
  readonly refused: number
  /** Answers that no sender should get. */
  readonly complaints: readonly string[]
  readonly done: Promise<void>
  /** Begins nothing more: `done` resolves when what was begun is acknowledged. */
  finish(): void
  /** One more, to these users: when they have it, they have all that was sent before. Its id. */
  sendLast(to: readonly string[]): Promise<string>
  /** Sends acknowledged requests again, one of each so many: the answer has to be the one of the first time. */
  askAgain(oneOf: number): Promise<void>
}

export interface SendersOptions {
  readonly url: string
  readonly token: string
  readonly random: SeededRandom
  readonly users: readonly string[]
  /** As many as it takes until `finish`, if absent. */
  readonly sends?: number
  /** The server is there, or somebody is starting it. */
  isUp(): boolean
}

const tasks = 16
/** Refusals after which a program tries again. */
const passing = ['database_unavailable', 'shutting_down']

type Request =
  | { readonly path: '/api/v1/notifications'; readonly key: string; readonly users: readonly string[] }
  | {
      readonly path: '/api/v1/events'
      readonly key: string
      readonly user: string
      readonly ids: readonly string[]
    }

interface Reply {
  readonly id: string
  readonly recipients: number
  readonly published: number
  readonly repeated: boolean
}

export function startSenders(options: SendersOptions): Senders {
  const { url, token, random, users, isUp } = options
  let sends = options.sends ?? Number.POSITIVE_INFINITY
  const sent: Sent[] = []
  const published: Published[] = []
  const complaints: string[] = []
  let begun = 0
  let repeats = 0
  let refused = 0
  let takenBefore = 0

  /** Most to one user, some to a few, some to all, and some events beside. */
  function nextRequest(): Request {
    begun += 1
    const key = `send-${begun}`
    const dice = random.below(100)
    if (dice >= 94) {
      const ids = Array.from({ length: 1 + random.below(20) }, () => randomUUID())
      return { path: '/api/v1/events', key, user: random.oneOf(users), ids }
    }
    const chosen =
      dice >= 92
        ? users
        : dice >= 75
          ? [random.oneOf(users), ...random.someOf(users, 20)]
          : [random.oneOf(users)]
    return { path: '/api/v1/notifications', key, users: [...new Set(chosen)] }
  }

  async function attempt(request: Request): Promise<Reply | undefined> {
    let response: Response
    let body: unknown
    try {
      response = await fetch(`${url}${request.path}`, {
        method: 'POST',
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
        body: JSON.stringify(bodyOf(request)),
      })
      body = await response.json()
    } catch {
      // The line broke, or there is none: whether it was taken is unknown.
      await until(isUp, { what: 'the server is there again' })
      return undefined
    }
    if (response.status === 200) return body as Reply
    const { code } = body as { code: string }
    refused += 1
    if (!passing.includes(code)) complaints.push(`${request.key}: ${response.status} ${JSON.stringify(body)}`)
    return undefined
  }

  async function untilAcknowledged(request: Request): Promise<void> {
    for (let tries = 1; ; tries++) {
      const reply = await attempt(request)
      if (reply === undefined) {
        repeats += 1
        // A sender that can never succeed must not keep the test from its end.
        if (complaints.length > 100) return
        continue
      }
      if (reply.repeated) takenBefore += 1
      if (reply.repeated && tries === 1)
        complaints.push(`${request.key}: repeated, and it was the first time`)
      note(request, reply)
      return
    }
  }

  function note(request: Request, reply: Reply): void {
    if (request.path === '/api/v1/events') {
      published.push(request)
      if (reply.published !== request.ids.length)
        complaints.push(`${request.key}: ${reply.published} published`)
    } else {
      sent.push({ ...request, id: reply.id })
      if (reply.recipients !== request.users.length)
        complaints.push(`${request.key}: ${reply.recipients} recipients`)
    }
  }

  const send = async () => {
    while (begun < sends) await untilAcknowledged(nextRequest())
  }
  const done = Promise.all(Array.from({ length: tasks }, send)).then(() => undefined)
  return {
    sent,
    published,
    complaints,
    done,
    get acknowledged() {
      return sent.length + published.length
    },
    get repeats() {
      return repeats
    },
    get refused() {
      return refused
    },
    get takenBefore() {
      return takenBefore
    },
    finish() {
      sends = begun
    },
    async sendLast(to) {
      await untilAcknowledged({ path: '/api/v1/notifications', key: 'the last one', users: to })
      return sent.at(-1)?.id ?? ''
    },
    async askAgain(oneOf) {
      for (const { key, users: to, id } of sent.filter((_, index) => index % oneOf === 0)) {
        const reply = await attempt({ path: '/api/v1/notifications', key, users: to })
        if (reply?.id !== id || !reply.repeated)
          complaints.push(`${key} asked again: ${JSON.stringify(reply)} instead of ${id}`)
      }
      for (const request of published.filter((_, index) => index % oneOf === 0)) {
        const reply = await attempt({ ...request, path: '/api/v1/events' })
        if (reply?.repeated !== true) complaints.push(`${request.key} asked again: ${JSON.stringify(reply)}`)
      }
    },
  }
}

function bodyOf(request: Request): object {
  const { key } = request
  if (request.path === '/api/v1/notifications')
    return { userIds: request.users, type: 'chaos', title: key, key }
  const { user, ids } = request
  return { key, events: ids.map((id) => eventOf(user, id)) }
}

/** On the durable namespace of host.ts. */
function eventOf(user: string, id: string): object {
  return {
    namespace: '/happenings',
    event: 'happening:noted',
    data: { id },
    rooms: [{ kind: 'user', id: user }],
  }
}

/**
 * Sending: stored, counted and told in one transaction. Sends that come at the same time share one; each still has an
 * answer of its own.
 */
import { randomUUID } from 'node:crypto'
import {
  type Notification,
  notificationDataBytesMax,
  notificationsNamespace,
  Refusal,
  recipientsMax,
  type SendNotificationReply,
  type SendNotificationRequest,
} from '@belfry/contract'
import type { Clock } from '../../engine/ports/clock.ts'
import type { Database, Transaction } from '../../engine/ports/database.ts'
import type { RequestKeys } from '../../engine/ports/request-keys.ts'
import type { Realtime } from '../../engine/realtime/realtime.ts'
import type { Audience } from './audience.ts'
import type { UnreadCounts } from './counts.ts'
import { noteSends } from './inspection-store.ts'
import { createSharedSends, sharedRecipientsMax } from './shared-sends.ts'
import { insertNotifications, membersOf, type Sent } from './store.ts'

export interface SendOptions {
  /** Of which it becomes a part: sent if that is committed, and never without it. */
  readonly transaction?: Transaction
  /** Whose keys are meant. */
  readonly sender?: string
}

export type SendNotification = (
  request: SendNotificationRequest,
  options?: SendOptions,
) => Promise<SendNotificationReply>

interface SendingParts {
  readonly database: Database
  readonly clock: Clock
  readonly audience: Audience
  readonly keys: RequestKeys
  readonly counts: UnreadCounts
  readonly figures: { sent: number; recipients: number }
  realtime(): Realtime
}

/** What was asked for, and what becomes of it. */
interface Sending extends Sent {
  readonly request: SendNotificationRequest
  readonly sender: string
}

/** Rooms of one event, at most. */
const roomsOfEvent = 1_000

export function createSending(parts: SendingParts): SendNotification {
  const { database, clock, audience, keys, counts, figures, realtime } = parts
  const inOwnTransaction = (sendings: readonly Sending[]) =>
    database.transaction((transaction) => sendIn(transaction, sendings))
  const sendShared = createSharedSends<Sending, Outcome>({ database, sendIn })

  /** An outcome for each: a key that was used for something else is no fault of the others. */
  async function sendIn(transaction: Transaction, sendings: readonly Sending[]): Promise<readonly Outcome[]> {
    const outcomes = await claimKeys(transaction, sendings)
    const fresh = sendings.filter((_, index) => outcomes[index] === undefined)
    if (fresh.length > 0) await write(transaction, fresh)
    return sendings.map((sending, index) => outcomes[index] ?? { ...answerOf(sending), repeated: false })
  }

  /** Undefined for those that are to be sent. */
  async function claimKeys(
    transaction: Transaction,
    sendings: readonly Sending[],
  ): Promise<readonly (Outcome | undefined)[]> {
    const keyed = sendings.flatMap((sending) => {
      const { sender, request } = sending
      const { key } = request
      if (key === undefined) return []
      return [
        { sending, claim: { purpose: 'notifications', sender, key, request, answer: answerOf(sending) } },
      ]
    })
    const claimed = await keys.claim(
      transaction,
      keyed.map(({ claim }) => claim),
    )
    const found = new Map<Sending, Outcome>()
    for (const [index, each] of claimed.entries()) {
      const sending = keyed[index]?.sending as Sending
      if (each.outcome === 'reused') found.set(sending, 'key_reused')
      if (each.outcome !== 'repeated') continue
      found.set(sending, { ...each.answer, repeated: true })
      // Who asks again may have had no answer the first time.
      counts.doubt(sending.users)
    }
    return sendings.map((sending) => found.get(sending))
  }

  async function write(transaction: Transaction, sendings: readonly Sending[]): Promise<void> {
    const events = sendings.flatMap(({ notification, users }) =>
      chunksOf(users, roomsOfEvent).map((chunk) => ({
        data: notification,
        to: { rooms: chunk.map((id) => ({ kind: 'user', id })) },
      })),
    )
    // Given to the database one after the other without waiting: they cost one way there and back.
    const [changed] = await Promise.all([
      insertNotifications(transaction, sendings),
      noteSends(transaction, sendings),
      realtime().publishManyIn(transaction, notificationsNamespace, 'notification:new', events),
    ])
    transaction.afterCommit(() => {
      figures.sent += sendings.length
      for (const { users } of sendings) figures.recipients += users.length
      for (const count of changed) counts.tell(count)
    })
  }

  async function recipientsOf({
    userId,
    userIds = [],
    workspaceId,
  }: SendNotificationRequest): Promise<readonly string[]> {
    const named = userId === undefined ? userIds : [userId, ...userIds]
    if (workspaceId === undefined || named.length > 0) return [...new Set(named)]
    // Who came in the last second is a member as well.
    await audience.write()
    const members = await membersOf(database, workspaceId, recipientsMax + 1)
    if (members.length > recipientsMax)
      throw wrong('workspaceId', `has more than ${recipientsMax} members; name them in parts with userIds`)
    return members
  }

  return async (request, { transaction, sender = '' } = {}) => {
    refuseUnfit(request)
    // Before there is a transaction: its connection may be the last one that the database gives us.
    const users = await recipientsOf(request)
    const notification = notificationOf(request, new Date(clock.now()))
    const sending = { request, sender, users, notification }
    const alone = async (run: (sendings: readonly Sending[]) => Promise<readonly Outcome[]>) =>
      (await run([sending]))[0] as Outcome
    const send = () => {
      if (transaction !== undefined) return alone((sendings) => sendIn(transaction, sendings))
      return users.length > sharedRecipientsMax ? alone(inOwnTransaction) : sendShared(sending)
    }
    const outcome = await counts.watch(users, send)
    if (outcome === 'key_reused') throw new Refusal('key_reused')
    return outcome
  }
}

type Outcome = SendNotificationReply | 'key_reused'

function answerOf({ notification, users }: Sent): Omit<SendNotificationReply, 'repeated'> {
  return { id: notification.id, recipients: users.length }
}

function notificationOf(request: SendNotificationRequest, now: Date): Notification {
  const { type, category, priority, title, message, data, actions, workspaceId, expiresAt } = request
  return {
    id: randomUUID(),
    type,
    category,
    priority,
    title,
    message: message ?? null,
    data,
    actions,
    workspaceId: workspaceId ?? null,
    readAt: null,
    expiresAt: expiresAt === undefined ? null : new Date(expiresAt).toISOString(),
    createdAt: now.toISOString(),
  }
}

/** What the fields hold is up to the sender; it has to fit into an event, and into the database. */
function refuseUnfit({ data, actions }: SendNotificationRequest): void {
  const json = JSON.stringify([data, actions], (name, value) => {
    for (const text of [name, value])
      if (typeof text === 'string' && (text.includes('\0') || !text.isWellFormed()))
        throw wrong('data', 'has text with a NUL character, or with half of one')
    return value
  })
  const bytes = Buffer.byteLength(json)
  if (bytes > notificationDataBytesMax)
    throw wrong('data', `has ${bytes} bytes with the actions; there may be ${notificationDataBytesMax}`)
}

function chunksOf<Entry>(list: readonly Entry[], size: number): Entry[][] {
  return Array.from({ length: Math.ceil(list.length / size) }, (_, index) =>
    list.slice(index * size, (index + 1) * size),
  )
}

function wrong(path: string, message: string): Refusal {
  return new Refusal('validation_failed', undefined, { fields: [{ path, message }] })
}

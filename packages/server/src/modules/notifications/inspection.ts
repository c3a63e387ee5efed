/** What operators see of notifications: an inbox, what was sent, and what became of it. They change nothing. */
import {
  type InboxQuery,
  type InboxUsers,
  type InboxView,
  inboxCountedMax,
  inboxUsersShownMax,
  type RecipientList,
  type RecipientsQuery,
  Refusal,
  readCountMax,
  type SentDetails,
  type SentList,
  type SentNotification,
  type SentQuery,
} from '@belfry/contract'
import type { Clock } from '../../engine/ports/clock.ts'
import type { Database } from '../../engine/ports/database.ts'
import { readCursor, writeCursor } from './cursor.ts'
import {
  countInbox,
  deleteSendsBefore,
  type InboxRow,
  type RecipientRow,
  readInbox,
  readRecipients,
  readSend,
  readSends,
  type SentRow,
  usersFrom,
} from './inspection-store.ts'

export interface InspectionOptions {
  readonly database: Database
  readonly clock: Clock
  readonly retentionDays: number
  readonly connected: ConnectedUsers
}

/** Who is connected to this server at this moment. */
export interface ConnectedUsers {
  sessionsOf(userId: string): number
  ids(): Iterable<string>
}

export interface Inspection {
  inbox(query: InboxQuery): Promise<InboxView>
  /** Suggestions for whoever begins to write an id: those who are connected first. */
  inboxUsers(startsWith: string): Promise<InboxUsers>
  sent(query: SentQuery): Promise<SentList>
  sentOne(id: string): Promise<SentDetails>
  recipients(id: string, query: RecipientsQuery): Promise<RecipientList>
  /** Forgets what was sent before notifications are kept any longer. */
  sweep(): Promise<void>
}

const dayMs = 24 * 60 * 60 * 1_000
/** Rows of one statement of the sweep. */
const sweptAtOnce = 5_000

export function createInspection(options: InspectionOptions): Inspection {
  const { database, clock, retentionDays, connected } = options
  const nowDate = () => new Date(clock.now())

  return {
    async inbox({ userId, limit, cursor, ...filter }) {
      const now = nowDate()
      const after = cursor === undefined ? undefined : readCursor(cursor)
      const [rows, { told, counted, states, rows: looked }] = await Promise.all([
        readInbox(database, { userId, limit: limit + 1, after, filter, now }),
        countInbox(database, userId, now, inboxCountedMax + 1),
      ])
      const { page, last } = pageOf(rows, limit)
      return {
        userId,
        sessions: connected.sessionsOf(userId),
        notifications: page.map(inboxEntry),
        nextCursor: last === undefined ? null : writeCursor(last),
        told,
        counted,
        states,
        isWhole: looked <= inboxCountedMax,
      }
    },

    async inboxUsers(startsWith) {
      const here: string[] = []
      for (const id of connected.ids()) {
        if (id.startsWith(startsWith)) here.push(id)
        if (here.length === inboxUsersShownMax) break
      }
      const known = await usersFrom(database, startsWith, inboxUsersShownMax)
      const all = new Set([...here.sort(), ...known.filter((id) => id.startsWith(startsWith))])
      return {
        users: [...all]
          .slice(0, inboxUsersShownMax)
          .map((userId) => ({ userId, sessions: connected.sessionsOf(userId) })),
      }
    },

    async sent({ limit, cursor }) {
      const after = cursor === undefined ? undefined : readCursor(cursor)
      const { page, last } = pageOf(await readSends(database, limit + 1, after, readCountMax), limit)
      return { sent: page.map(sentEntry), nextCursor: last === undefined ? null : writeCursor(last) }
    },

    async sentOne(id) {
      const row = await readSend(database, id, nowDate())
      if (row === undefined) throw new Refusal('not_found', 'No notification of this id was sent lately.')
      const { content, states, readers, ...send } = row
      const { unread, read, dismissed, expired } = states
      const gone = send.recipients - (unread + read + dismissed + expired)
      return { ...sentEntry({ ...send, read: readers }), content, states, gone }
    },

    async recipients(id, { limit, cursor, state, userId }) {
      const now = nowDate()
      const rows = await readRecipients(database, {
        id,
        limit: limit + 1,
        after: cursor,
        state,
        userId,
        now,
      })
      const { page, last } = pageOf(rows, limit)
      return {
        recipients: page.map((row) => recipientEntry(row, connected.sessionsOf(row.userId))),
        nextCursor: last?.userId ?? null,
      }
    },

    async sweep() {
      const before = new Date(clock.now() - retentionDays * dayMs)
      while ((await deleteSendsBefore(database, before, sweptAtOnce)) === sweptAtOnce);
    },
  }
}

/** `rows` has one more than the page where another page follows: then `last` is the last one of this page. */
function pageOf<Row>(rows: readonly Row[], limit: number): { page: Row[]; last: Row | undefined } {
  const page = rows.slice(0, limit)
  return { page, last: rows.length > limit ? page.at(-1) : undefined }
}

function inboxEntry(row: InboxRow): InboxView['notifications'][number] {
  const { readAt, dismissedAt, expiresAt, createdAt } = row
  return {
    ...row,
    readAt: isoOrNull(readAt),
    dismissedAt: isoOrNull(dismissedAt),
    expiresAt: isoOrNull(expiresAt),
    createdAt: createdAt.toISOString(),
  }
}

function sentEntry({ createdAt, expiresAt, ...row }: SentRow): SentNotification {
  return { ...row, createdAt: createdAt.toISOString(), expiresAt: isoOrNull(expiresAt) }
}

function recipientEntry(row: RecipientRow, sessions: number): RecipientList['recipients'][number] {
  const { storedAt, readAt, dismissedAt, ...who } = row
  return {
    ...who,
    storedAt: storedAt.toISOString(),
    readAt: isoOrNull(readAt),
    dismissedAt: isoOrNull(dismissedAt),
    sessions,
  }
}

function isoOrNull(date: Date | null): string | null {
  return date?.toISOString() ?? null
}

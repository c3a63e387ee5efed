/**
 * Carries what is published to every node, this one included, and the few words that nodes say to each other.
 *
 * BR1  A published event reaches every handler of this node exactly once, and those of other nodes at most
 *      once, with the namespace, position and entry it was published with. What another node missed is seen
 *      by its positions and read from the log; what is in no log is lost there (pulse) or replaced by the
 *      next value (latest).
 * BR2  Every handler gets the events of one publisher in the order in which they were published. Between
 *      publishers there is no order but that of the positions.
 * BR3  When `publish` has answered, the handlers of this node have run, whatever becomes of other nodes. Only
 *      what a handler publishes waits for its turn: it follows what is being delivered, and everything before
 *      it.
 * BR4  A handler that throws disturbs neither the other handlers nor the publisher; it is reported to the
 *      logger.
 * BR5  A subscription begins with the next delivery and ends with the call that ends it, also in the middle
 *      of a delivery: after that its handler is not called again. A handler given twice is two subscriptions.
 * BR6  Announcements keep BR1 to BR5 among themselves. They have no order with events, and no log behind
 *      them: who announces something that must hold has also stored it where a node looks when it matters.
 * BR7  What handlers of this node publish in answer to each other ends after `chainMax` of them: what is
 *      beyond is refused with a `RangeError`, which the handler throws on, so that the logger tells of it.
 */
import type { GoodbyeCode, Position, SessionId, UserId } from '@belfry/contract'
import type { Awaitable } from '../awaitable.ts'
import type { LogEntry } from './log.ts'

export interface Broker {
  /** `position` is `undefined` for what is not in the log: events of the lanes `latest` and `pulse`. */
  publish(namespace: string, position: Position | undefined, entry: PublishedEntry): Awaitable<void>
  subscribe(handler: PublishHandler): () => void
  announce(message: NodeMessage): Awaitable<void>
  listen(handler: AnnouncementHandler): () => void
}

export interface PublishedEntry extends LogEntry {
  /** Of the lane `latest`: which values replace each other. */
  readonly key?: string
}

/** Ends before it returns: nobody waits for a promise. */
export type PublishHandler = (
  namespace: string,
  position: Position | undefined,
  entry: PublishedEntry,
) => void
export type AnnouncementHandler = (message: NodeMessage) => void

/** Plain JSON. A node does what concerns its own connections and ignores the rest. */
export type NodeMessage =
  /** Ends the sessions of a user, and tells them why. */
  | { readonly kind: 'disconnect-user'; readonly userId: UserId; readonly code: GoodbyeCode }
  /** What the tokens of a user granted does not hold any more: ask again, or let go. */
  | { readonly kind: 'principal-revoked'; readonly userId: UserId }
  /** A newer connection has the session (R11): whoever holds an older generation of it lets go. */
  | { readonly kind: 'session-fenced'; readonly sessionId: SessionId; readonly generation: number }

/** Many more than one event ever causes, and stopped within a second. */
export const defaultChainMax = 100_000

/** What every adapter lets its owner choose. */
export interface BrokerOptions {
  readonly chainMax?: number
}

/**
 * Sessions that are behind the live stream: those that came back after a cut, and those whose client reads more slowly
 * than events are published (R7). They read the log, as fast as their line takes it, and go live where it ends.
 *
 *   behind: due → reading → due …        there is room in the queue
 *                         → waiting       the queue is full enough; `resume` when it has emptied
 *           any           → live          everything up to the head was sent, and the current values of its rooms
 *                         → lost          the log was trimmed past it; the client is closed and told when it comes back
 */
import { formatCursor, type Room } from '@belfry/contract'
import type { Logger } from '../ports/logger.ts'
import type { HistoryPage } from './history.ts'
import type { Packing } from './packing.ts'
import { mayUse } from './permissions.ts'
import type { Session } from './session.ts'
import { Stays } from './stays.ts'

export interface CatchUpParts {
  readonly logger: Logger
  readonly packing: Packing
  /** In a later turn of the event loop, after what came in meanwhile. */
  soon(action: () => void): void
  later(delayMs: number, action: () => void): void
}

/** Where a session is to go on. */
export interface Behind {
  /** Everything up to here that was for the session was sent. */
  readonly offset: number
  readonly stays: Stays
  /** Current values up to this number were sent; 0: none. */
  readonly latest: number
  /** It is live; with the number of events that were sent until then. */
  readonly onLive?: (events: number) => void
}

/** A turn of the event loop works so long for those who catch up, at most: the others are not to wait for them. */
const sliceMs = 4

/** Looking at the clock for each session would cost more than most of them do. */
const sessionsBetweenLooks = 8

/** The log could not be read: the database is away. */
const retryMs = 500

export class CatchUp {
  readonly session: Session
  readonly stays: Stays
  readonly onLive: ((events: number) => void) | undefined
  offset: number
  latest: number
  events = 0

  constructor(session: Session, { offset, stays, latest, onLive }: Behind) {
    this.session = session
    this.offset = offset
    this.stays = stays
    this.latest = latest
    this.onLive = onLive
  }

  /** Of what was sent last, for what the session is told between two events (R4). */
  get cursor(): string {
    return formatCursor({ epoch: this.session.namespace.position.epoch, offset: this.offset })
  }
}

export class CatchUps {
  readonly #parts: CatchUpParts
  #due: CatchUp[] = []
  #isScheduled = false

  constructor(parts: CatchUpParts) {
    this.#parts = parts
  }

  /** Who has missed nothing is live at once, after it was told what it is told first. */
  begin(session: Session, behind: Behind, tellFirst: () => void): void {
    const catchUp = new CatchUp(session, behind)
    session.catchUp = catchUp
    session.namespace.behind.add(session)
    tellFirst()
    if (behind.offset === session.namespace.position.offset) this.#goOn(catchUp)
    else this.#schedule(catchUp)
  }

  /** A live session whose queue has no room: from here on it reads the log. */
  fallBehind(session: Session, offset: number, latest: number): void {
    if (!session.isOpen || session.catchUp !== undefined) return
    const { namespace } = session
    const stays = new Stays()
    for (const { name } of session.rooms) stays.add(name as Room, offset)
    namespace.rooms.leaveAll(session)
    session.catchUp = new CatchUp(session, { offset, stays, latest })
    namespace.behind.add(session)
    namespace.fellBehind += 1
    session.link.awaitRoom()
  }

  resume(catchUp: CatchUp): void {
    this.#schedule(catchUp)
  }

  #schedule(catchUp: CatchUp): void {
    this.#due.push(catchUp)
    if (this.#isScheduled) return
    this.#isScheduled = true
    this.#parts.soon(this.#work)
  }

  readonly #work = (): void => {
    const began = performance.now()
    const due = this.#due
    this.#due = []
    let done = 0
    for (const catchUp of due) {
      this.#guarded(catchUp)
      done += 1
      if (done % sessionsBetweenLooks === 0 && performance.now() - began > sliceMs) break
    }
    this.#due = due.slice(done).concat(this.#due)
    this.#isScheduled = this.#due.length > 0
    if (this.#isScheduled) this.#parts.soon(this.#work)
  }

  /** A mistake of ours costs one client its connection, after which it comes back, and not the others their turn. */
  #guarded(catchUp: CatchUp): void {
    try {
      this.#goOn(catchUp)
    } catch (error) {
      const { namespace, link } = catchUp.session
      this.#parts.logger.error({ error, namespace: namespace.name }, 'a session could not catch up')
      link.connection.close('transport_failed')
    }
  }

  #goOn(catchUp: CatchUp): void {
    const { session } = catchUp
    const { namespace, link } = session
    while (session.isOpen) {
      const isAtHead = catchUp.offset === namespace.position.offset
      if (isAtHead && this.#sendLatest(catchUp)) {
        goLive(catchUp)
        return
      }
      if (isAtHead || isFull(session)) {
        link.awaitRoom()
        return
      }
      const page = namespace.history.after(catchUp.offset)
      if (page === 'trimmed' || page === 'epoch-changed') {
        lose(session)
        return
      }
      if (page instanceof Promise) {
        this.#wait(catchUp, page)
        return
      }
      if (!sendPage(catchUp, page)) {
        link.awaitRoom()
        return
      }
    }
  }

  #wait(catchUp: CatchUp, page: Promise<unknown>): void {
    page.then(
      (gap) => (gap === undefined ? this.#schedule(catchUp) : lose(catchUp.session)),
      (error: unknown) => {
        const { logger, later } = this.#parts
        logger.debug({ error, namespace: catchUp.session.namespace.name }, 'the log could not be read')
        later(retryMs, () => this.#schedule(catchUp))
      },
    )
  }

  /** False: some of them have to wait for room. */
  #sendLatest(catchUp: CatchUp): boolean {
    const { session, stays } = catchUp
    const { namespace, principal, link } = session
    if (catchUp.latest === namespace.latest.number) return true
    for (const { number, value } of namespace.latest.since(stays.present(), catchUp.latest)) {
      const permission = namespace.events.get(value.name)?.contract.permission
      if (mayUse(principal, permission)) {
        if (isFull(session) || !link.send(this.#parts.packing.latest(namespace, value))) return false
      }
      catchUp.latest = number
    }
    return true
  }
}

/** False: an event had no room. */
function sendPage(catchUp: CatchUp, page: HistoryPage): boolean {
  const { session, stays } = catchUp
  const { namespace, principal, link } = session
  // What lies beyond was not delivered on this node yet, and will be.
  const last = Math.min(page.last, namespace.position.offset)
  while (catchUp.offset < last && !isFull(session)) {
    const event = page.at(catchUp.offset + 1)
    if (event === undefined) break
    const { rooms, except } = event.entry
    if (stays.covers(event.offset, rooms, except) && mayUse(principal, event.permission)) {
      const packet = event.packet()
      if (packet !== undefined) {
        if (!link.send(packet)) return false
        catchUp.events += 1
        namespace.replayed += 1
      }
    }
    catchUp.offset = event.offset
  }
  return true
}

/** In the same turn in which its last event was sent, so that nothing is published in between. */
function goLive({ session, stays, events, onLive }: CatchUp): void {
  const { namespace } = session
  session.catchUp = undefined
  namespace.behind.delete(session)
  for (const room of stays.present()) namespace.rooms.join(session, room)
  session.settle()
  onLive?.(events)
}

/** Where this session is cannot be proved any more: its client comes back, and is told so. */
function lose(session: Session): void {
  if (session.isOpen) session.link.connection.close('slow_reader')
}

function isFull({ link }: Session): boolean {
  return link.connection.queuedBytes >= link.connection.paceBytes
}

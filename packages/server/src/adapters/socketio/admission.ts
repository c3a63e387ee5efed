/**
 * Who is let in when. A handshake and the CONNECT of a namespace are the dearest things a client asks for, and after
 * a cut all clients ask for them in one moment. So each turn of the event loop takes in newcomers for a few
 * milliseconds only; the others wait in line, and those who are connected are served in between.
 *
 *   comes → (this turn has time left) let in
 *         → waits → let in, in a later turn | gone | refused: it waited too long, or the line was full
 *
 * First come, first served; whoever has a connection and asks for a namespace goes before those who have none yet, as
 * it came before them, but not always: clients that ask for namespaces without end do not keep others out.
 */

import { type Turns, turnsOfNode } from './turns.ts'

/** What newcomers ask for: a connection, or on one of theirs a session. */
export type Wanted = 'connection' | 'session'

/** One that has to wait. */
export interface Newcomer {
  /** The client gave up meanwhile. */
  readonly isGone: boolean
  /** What it keeps in memory, about. */
  readonly bytes: number
  enter(): void
  /** There is no room for it, or has not been for too long. */
  refuse(): void
}

export interface AdmissionBounds {
  /**
   * Newcomers get as much of a turn as everything else took, between these two: so they have half of a busy loop at
   * most, and where turns are long, as little as goes on at all.
   */
  readonly sliceMsMin: number
  readonly sliceMsMax: number
  /** In line, at most: their sockets and requests are in memory. */
  readonly waitingMax: number
  readonly waitingBytesMax: number
  /** A stock client gives up after 20 s; one that is refused before comes back by itself. */
  readonly waitMsMax: number
}

export const defaultAdmissionBounds: AdmissionBounds = {
  sliceMsMin: 1,
  sliceMsMax: 4,
  waitingMax: 10_000,
  waitingBytesMax: 128 * 1_024 * 1_024,
  waitMsMax: 10_000,
}

/** Since the start, unless it says otherwise. */
export interface AdmissionCounts {
  /** At the moment. */
  readonly waiting: number
  readonly waitingBytes: number
  /** Behind them, connections of whom nothing is read yet. */
  readonly unread: number
  /** Let in without waiting, and after it. */
  readonly atOnce: number
  readonly later: number
  readonly refused: number
  /** Gave up while they waited. */
  readonly gone: number
  /** How long the one had waited that was let in last. */
  readonly waitedMs: number
}

/** Where those stand of whom nothing was read yet. */
export interface Door {
  readonly waiting: number
  hold(): void
  /** True while there are more. */
  release(): boolean
}

/** So many sessions are let in before it is a connection's turn, where both wait. */
const sessionsForAConnection = 3

export class Admission {
  readonly #bounds: AdmissionBounds
  readonly #door: Door
  readonly #failed: (error: unknown) => void
  readonly #turns: Turns
  readonly #lines: Readonly<Record<Wanted, Line>> = { connection: new Line(), session: new Line() }
  readonly #counts = { waitingBytes: 0, atOnce: 0, later: 0, refused: 0, gone: 0, waitedMs: 0 }
  /** Of this turn. */
  #usedMs = 0
  #sliceMs: number
  /** When newcomers had their last slice, or the first of them came. */
  #sinceMs = 0
  #isScheduled = false
  /** Let in one after the other, while connections wait. */
  #sessionsInRow = 0

  constructor(of: {
    readonly bounds: AdmissionBounds
    readonly door: Door
    readonly failed: (error: unknown) => void
    readonly turns?: Turns
  }) {
    this.#bounds = of.bounds
    this.#sliceMs = of.bounds.sliceMsMax
    this.#door = of.door
    this.#failed = of.failed
    this.#turns = of.turns ?? turnsOfNode
  }

  get counts(): AdmissionCounts {
    return { ...this.#counts, waiting: this.#waiting, unread: this.#door.waiting }
  }

  get #waiting(): number {
    return this.#lines.connection.length + this.#lines.session.length
  }

  /** Lets it in by `enter`, now if there is time, which is what happens without a storm; else `wait` joins the line. */
  admit(wanted: Wanted, enter: () => void, wait: () => Newcomer): void {
    if (!this.#isScheduled) this.#schedule()
    // Where somebody waits, there is no time left in this turn.
    if (this.#usedMs < this.#sliceMs) {
      this.#counts.atOnce += 1
      this.#timed(enter)
      return
    }
    this.#door.hold()
    const newcomer = wait()
    const { waitingMax, waitingBytesMax } = this.#bounds
    if (this.#waiting >= waitingMax || this.#counts.waitingBytes + newcomer.bytes > waitingBytesMax) {
      this.#refuse(newcomer)
      return
    }
    this.#counts.waitingBytes += newcomer.bytes
    this.#lines[wanted].push({ newcomer, bytes: newcomer.bytes, sinceMs: this.#turns.now() })
  }

  #schedule(): void {
    this.#isScheduled = true
    this.#usedMs = 0
    this.#sliceMs = this.#bounds.sliceMsMax
    this.#sinceMs = this.#turns.now()
    this.#turns.next(this.#turn)
  }

  readonly #turn = (): void => {
    const { sliceMsMin, sliceMsMax } = this.#bounds
    const othersMs = this.#turns.now() - this.#sinceMs - this.#usedMs
    this.#sliceMs = Math.min(Math.max(othersMs, sliceMsMin), sliceMsMax)
    this.#usedMs = 0
    while (this.#usedMs < this.#sliceMs) {
      const place = this.#leave(this.#nextWanted())
      if (place === undefined) break
      this.#timed(() => this.#serve(place))
    }
    // Those let in just now are not the others.
    this.#sinceMs = this.#turns.now() - this.#usedMs
    const areMoreUnread = this.#waiting > 0 || this.#door.release()
    // Until the turn is over whose time they used, also if everybody is in.
    this.#isScheduled = areMoreUnread || this.#usedMs > 0
    if (this.#isScheduled) this.#turns.next(this.#turn)
  }

  #nextWanted(): Wanted {
    const { connection, session } = this.#lines
    const isSession =
      session.length > 0 && (connection.length === 0 || this.#sessionsInRow < sessionsForAConnection)
    this.#sessionsInRow = isSession ? this.#sessionsInRow + 1 : 0
    return isSession ? 'session' : 'connection'
  }

  #serve({ newcomer, sinceMs }: Place): void {
    const waitedMs = this.#turns.now() - sinceMs
    if (newcomer.isGone) this.#counts.gone += 1
    else if (waitedMs > this.#bounds.waitMsMax) this.#refuse(newcomer)
    else {
      this.#counts.later += 1
      this.#counts.waitedMs = waitedMs
      // A mistake of ours costs one newcomer its place, and not those behind it.
      this.#guarded(() => newcomer.enter())
    }
  }

  #refuse(newcomer: Newcomer): void {
    this.#counts.refused += 1
    this.#guarded(() => newcomer.refuse())
  }

  #guarded(action: () => void): void {
    try {
      action()
    } catch (error) {
      this.#failed(error)
    }
  }

  #leave(wanted: Wanted): Place | undefined {
    const place = this.#lines[wanted].shift()
    if (place !== undefined) this.#counts.waitingBytes -= place.bytes
    return place
  }

  #timed(action: () => void): void {
    const beganMs = this.#turns.now()
    try {
      action()
    } finally {
      this.#usedMs += this.#turns.now() - beganMs
    }
  }
}

interface Place {
  readonly newcomer: Newcomer
  readonly bytes: number
  readonly sinceMs: number
}

/** First in, first out, without moving those behind. */
class Line {
  #places: Place[] = []
  #first = 0

  get length(): number {
    return this.#places.length - this.#first
  }

  push(place: Place): void {
    this.#places.push(place)
  }

  shift(): Place | undefined {
    const place = this.#places[this.#first]
    if (place === undefined) return undefined
    this.#first += 1
    // Half of it has left: moving the others costs each of them one move, as long as the line may be.
    if (this.#first * 2 >= this.#places.length) {
      this.#places = this.#places.slice(this.#first)
      this.#first = 0
    }
    return place
  }
}

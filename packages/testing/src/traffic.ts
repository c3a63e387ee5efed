/**
 * Knows when nothing is on its way any more: what one end of a line wrote, the other end has read, no queue of the
 * server holds anything, no client is about to connect, and no handler of the test's namespaces runs.
 *
 * What stays on its way without anything moving, such as a handler that waits for the clock, is waited for once, for
 * `patienceMs`, and again after something about it has changed.
 */
import type { Socket } from 'node:net'
import { microtasks, nowMs, pause, turn } from './real-time.ts'

export interface TrafficOptions {
  readonly farSockets: () => ReadonlySet<Socket>
  queuedBytes(): number
  /** Things that are under way: an object stays the same while it is the same thing. */
  underWay(): Iterable<object>
}

export interface Traffic {
  /** A socket on the side of a client, which is looked at until it closes; `isLive` says whether anything comes through. */
  watch(socket: Socket, isLive: () => boolean): void
  /** Lines that come from elsewhere, and do not go in a moment either. */
  foreignersLeft(): Promise<number>
  settle(): Promise<void>
  /** The same after a moment in which mostly nothing is sent: then it hardly takes any time. */
  settleSoon(): Promise<void>
}

interface Near {
  readonly socket: Socket
  readonly isLive: () => boolean
  /** Once it is connected. */
  port: number | undefined
}

/** Of clients from elsewhere, one end is known: who was written to is thought to answer. */
interface Foreign {
  written: number
  read: number
  isSpokenTo: boolean
}

/** Something on its way, and how it stands now. */
interface Pending {
  readonly key: object
  readonly stands: string | number
}

/** After the last byte was read, what it causes shows within so many turns of the event loop. */
const quietTurnsMin = 3

/** Of real time; longer than an answer takes on a busy machine. */
const patienceMs = 250

/**
 * Moments in which nothing was sent, until the event loop may look for what comes from elsewhere. There are 20 in a
 * second, since the timers of the wire look so often; a turn for each would take ten times as long.
 */
const momentsPerTurn = 20

/** Turns after which a wait for others leaves them the processor. */
const busyTurnsMax = 20

export function createTraffic({ farSockets, queuedBytes, underWay }: TrafficOptions): Traffic {
  const nears = new Set<Near>()
  const foreigners = new WeakMap<Socket, Foreign>()
  const ownPorts = new Set<number>()
  const waitedFor = new WeakMap<object, string | number>()
  const queue = {}
  let bytesOfClosed = 0
  let changes = 0
  /** When everything had settled. */
  let lastMoved = 0
  let momentsSinceTurn = 0

  function watch(socket: Socket, isLive: () => boolean): void {
    const near: Near = { socket, isLive, port: undefined }
    nears.add(near)
    changes += 1
    socket.once('connect', () => {
      near.port = socket.localPort
      if (near.port !== undefined) ownPorts.add(near.port)
      changes += 1
    })
    socket.once('close', () => {
      nears.delete(near)
      bytesOfClosed += socket.bytesRead + socket.bytesWritten
      changes += 1
    })
  }

  /** Whenever something moved, it is another number. */
  function moved(): number {
    let sum = changes + bytesOfClosed
    for (const { socket } of nears) sum += socket.bytesRead + socket.bytesWritten
    for (const far of farSockets()) sum += far.bytesRead + far.bytesWritten
    return sum
  }

  function* pending(): Generator<Pending> {
    const farByPort = new Map<number | undefined, Socket>()
    for (const far of farSockets()) farByPort.set(far.remotePort, far)
    for (const near of nears) {
      const far = farByPort.get(near.port)
      farByPort.delete(near.port)
      if (!near.isLive()) continue
      const { socket } = near
      if (far === undefined) yield { key: socket, stands: 'no other end' }
      else if (far.bytesRead !== socket.bytesWritten || far.bytesWritten !== socket.bytesRead)
        yield {
          key: socket,
          stands: `${socket.bytesRead} ${socket.bytesWritten} ${far.bytesRead} ${far.bytesWritten}`,
        }
    }
    for (const [port, far] of farByPort) {
      if (port !== undefined && ownPorts.has(port)) yield { key: far, stands: 'no other end' }
      else if (isSpokenTo(far)) yield { key: far, stands: far.bytesWritten }
    }
    const queued = queuedBytes()
    if (queued > 0) yield { key: queue, stands: queued }
    for (const key of underWay()) yield { key, stands: 'under way' }
  }

  function isSpokenTo(far: Socket): boolean {
    const known = foreigners.get(far) ?? { written: 0, read: 0, isSpokenTo: false }
    if (far.bytesRead !== known.read) known.isSpokenTo = false
    else if (far.bytesWritten !== known.written) known.isSpokenTo = true
    known.read = far.bytesRead
    known.written = far.bytesWritten
    foreigners.set(far, known)
    return known.isSpokenTo
  }

  function left(): Pending[] {
    return [...pending()].filter(({ key, stands }) => waitedFor.get(key) !== stands)
  }

  async function settle(): Promise<void> {
    let before = moved()
    let quietTurns = 0
    let busyTurns = 0
    let busySinceMs = nowMs()
    while (quietTurns < quietTurnsMin) {
      await (busyTurns > busyTurnsMax ? pause(1) : turn())
      const now = moved()
      const onItsWay = left()
      if (now === before && onItsWay.length === 0) {
        quietTurns += 1
        continue
      }
      quietTurns = 0
      busyTurns = now === before ? busyTurns + 1 : 0
      if (now !== before) busySinceMs = nowMs()
      else if (nowMs() - busySinceMs > patienceMs)
        for (const { key, stands } of onItsWay) waitedFor.set(key, stands)
      before = now
    }
    lastMoved = before
  }

  return {
    watch,
    async foreignersLeft() {
      const count = () => [...farSockets()].filter(({ remotePort = 0 }) => !ownPorts.has(remotePort)).length
      await settle()
      const giveUpAt = nowMs() + patienceMs
      while (count() > 0 && nowMs() < giveUpAt) await pause(1)
      return count()
    },
    settle,
    async settleSoon() {
      momentsSinceTurn += 1
      await (momentsSinceTurn < momentsPerTurn ? microtasks() : turn())
      if (momentsSinceTurn >= momentsPerTurn) momentsSinceTurn = 0
      if (moved() === lastMoved && left().length === 0) return
      await settle()
    },
  }
}

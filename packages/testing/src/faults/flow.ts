/**
 * One direction of a connection through the proxy: what one socket reads, the other one writes; held back, delayed or
 * slowed down as its line says at this moment. While it must not write, it does not read, so that the sender feels it.
 */
import type { Socket } from 'node:net'
import { later, nowMs } from '../real-time.ts'

export interface FlowFaults {
  /** Nothing is read: not even that the other end has gone. */
  readonly isHeld: boolean
  readonly delayMs: number
  readonly jitterMs: number
  /** Infinity: as fast as it goes; 0: not at all. */
  readonly bytesPerSecond: number
}

export interface Flow {
  /** Looks again at what the line says. */
  update(): void
  /** Bytes that came through. */
  readonly bytes: number
  stop(): void
}

export interface FlowOptions {
  readonly from: Socket
  readonly to: Socket
  faults(): FlowFaults
  random(): number
}

/** What waits for its delay. More, and the sender waits instead: 1 MiB is what 80 Mbit/s send in 100 ms. */
const delayedBytesMax = 1024 * 1024

/** A slow line may catch up by so much: a timer that was late costs it nothing. */
const burstMs = 50

interface Piece {
  /** `undefined`: the sender has ended. */
  bytes: Buffer | undefined
  readonly dueMs: number
}

export function createFlow({ from, to, faults, random }: FlowOptions): Flow {
  const queue: Piece[] = []
  let queuedBytes = 0
  let isBlocked = false
  let stopWaiting = () => {}
  let allowance = 0
  let allowedAtMs = nowMs()
  let bytes = 0

  function take(piece: Buffer | undefined): void {
    const { delayMs, jitterMs } = faults()
    // What was sent first comes first, however the delay varies: this is TCP.
    queue.push({ bytes: piece, dueMs: nowMs() + delayMs + jitterMs * random() })
    queuedBytes += piece?.length ?? 0
    update()
  }

  function update(): void {
    stopWaiting()
    const { isHeld, delayMs, jitterMs, bytesPerSecond } = faults()
    if (isHeld) {
      from.pause()
      return
    }
    write(bytesPerSecond)
    const queueMax = delayMs + jitterMs > 0 ? delayedBytesMax : 1
    if (isBlocked || queuedBytes >= queueMax || bytesPerSecond === 0) from.pause()
    else from.resume()
  }

  function write(bytesPerSecond: number): void {
    for (let piece = queue[0]; piece !== undefined && !isBlocked; piece = queue[0]) {
      const now = nowMs()
      if (piece.dueMs > now) {
        stopWaiting = later(piece.dueMs - now, update)
        return
      }
      if (piece.bytes === undefined) {
        queue.shift()
        to.end()
        return
      }
      const count = Math.min(piece.bytes.length, allowedBytes(now, bytesPerSecond))
      if (count === 0) {
        if (bytesPerSecond > 0) stopWaiting = later(Math.max(5, 1_000 / bytesPerSecond), update)
        return
      }
      isBlocked = !to.write(piece.bytes.subarray(0, count))
      bytes += count
      queuedBytes -= count
      allowance -= count
      if (count === piece.bytes.length) queue.shift()
      else piece.bytes = piece.bytes.subarray(count)
    }
  }

  function allowedBytes(now: number, bytesPerSecond: number): number {
    if (bytesPerSecond === Number.POSITIVE_INFINITY) {
      allowance = 0
      return bytesPerSecond
    }
    const burst = Math.max(1, (bytesPerSecond * burstMs) / 1_000)
    allowance = Math.min(burst, Math.max(0, allowance) + (bytesPerSecond * (now - allowedAtMs)) / 1_000)
    allowedAtMs = now
    return Math.floor(allowance)
  }

  from.on('data', take)
  from.on('end', () => take(undefined))
  to.on('drain', () => {
    isBlocked = false
    update()
  })
  update()
  return {
    update,
    get bytes() {
      return bytes
    },
    stop: () => stopWaiting(),
  }
}

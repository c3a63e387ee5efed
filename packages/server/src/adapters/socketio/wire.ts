/** What all connections of one socket server share. */
import type { Clock } from '../../engine/ports/clock.ts'
import type { Admission, AdmissionBounds } from './admission.ts'
import type { WireConnection } from './connection.ts'
import type { Endings } from './endings.ts'
import type { Flusher } from './flusher.ts'
import type { QueueBounds } from './outgoing-queue.ts'
import type { PacketCodec, PacketLimits } from './packets/packet.ts'
import type { TimerWheel } from './timer-wheel.ts'

export interface WireOptions {
  readonly pingIntervalMs: number
  readonly pingTimeoutMs: number
  /** Of one message, or one body of polling, from a client. */
  readonly maxPayloadBytes: number
  /** A client that has opened no session by then is closed. */
  readonly idleTimeoutMs: number
  readonly queueBounds: QueueBounds
  /** Of one connection, whatever they say. */
  readonly packetsPerSecondMax: number
  /** Messages beyond this are compressed for clients that can take it; absent: none. */
  readonly compressBeyondBytes: number | undefined
  readonly admission: AdmissionBounds
}

export interface Wire {
  readonly options: WireOptions
  readonly codec: PacketCodec
  readonly packetLimits: PacketLimits
  readonly clock: Clock
  readonly wheel: TimerWheel
  readonly flusher: Flusher
  readonly connections: Map<string, WireConnection>
  readonly admission: Admission
  readonly endings: Endings
  /** Something that no honest client sends. */
  suspicious(connection: WireConnection, reason: string): void
  /** A mistake of ours. */
  failed(error: unknown): void
}

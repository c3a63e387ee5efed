/**
 * Packets of Engine.IO 4, below Socket.IO: one character for the type, then text. Over WebSocket each is a text
 * frame, and bytes are a binary frame without a type. Over polling they travel joined in one body, bytes as base64.
 */
import { MalformedPacket } from './malformed-packet.ts'
import type { Message } from './packet.ts'

export const EnginePacketType = {
  OPEN: '0',
  CLOSE: '1',
  PING: '2',
  PONG: '3',
  MESSAGE: '4',
  UPGRADE: '5',
  NOOP: '6',
} as const
export type EnginePacketType = (typeof EnginePacketType)[keyof typeof EnginePacketType]

/** Bytes are always a message. */
export interface EnginePacket {
  readonly type: EnginePacketType
  readonly data: Message
}

export interface Handshake {
  readonly sid: string
  readonly upgrades: readonly string[]
  /** Milliseconds, as `pingTimeout`. */
  readonly pingInterval: number
  readonly pingTimeout: number
  /** Bytes of one body of polling. */
  readonly maxPayload: number
}

/** The first packet of a connection. */
export function openPacket({ sid, upgrades, pingInterval, pingTimeout, maxPayload }: Handshake): string {
  return EnginePacketType.OPEN + JSON.stringify({ sid, upgrades, pingInterval, pingTimeout, maxPayload })
}

/** A text frame of WebSocket, or one record of a body that is not base64. */
export function decodeTextPacket(text: string): EnginePacket {
  const type = text.charAt(0)
  if (!isType(type)) throw new MalformedPacket('engine_type')
  return { type, data: text.slice(1) }
}

/** What one answer of polling carries: text with its type before it, or bytes. */
export function encodePayload(packets: readonly Message[]): string {
  return packets.map((packet) => (typeof packet === 'string' ? packet : toBase64(packet))).join(separator)
}

/** Of one body that a client sends: more in one go is no client that waits for answers. */
export const payloadPacketsMax = 1_000

/** The size of the body is bound by whoever received it. */
export function decodePayload(body: string, packetsMax = payloadPacketsMax): EnginePacket[] {
  const packets: EnginePacket[] = []
  let from = 0
  do {
    if (packets.length === packetsMax) throw new MalformedPacket('engine_count')
    const next = body.indexOf(separator, from)
    const end = next === -1 ? body.length : next
    const record = body.slice(from, end)
    packets.push(
      record.startsWith(base64Mark)
        ? { type: EnginePacketType.MESSAGE, data: fromBase64(record.slice(1)) }
        : decodeTextPacket(record),
    )
    from = end + 1
  } while (from <= body.length)
  return packets
}

/** JSON writes this character as an escape, so it never stands inside a packet. */
const separator = '\x1e'
const base64Mark = 'b'

function isType(type: string): type is EnginePacketType {
  return type.length === 1 && type >= EnginePacketType.OPEN && type <= EnginePacketType.NOOP
}

function toBase64(bytes: Uint8Array): string {
  return base64Mark + Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64')
}

/** Node skips what is not base64, so the bytes are written again and compared. */
function fromBase64(text: string): Uint8Array {
  const bytes = Buffer.from(text, 'base64')
  if (bytes.toString('base64') !== text) throw new MalformedPacket('engine_base64')
  return bytes
}

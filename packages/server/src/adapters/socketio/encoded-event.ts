/**
 * An event on its way to many clients: encoded at most twice (with the cursor as last argument, and without), and
 * framed at most once for each, whoever needs it first (R2, TR3).
 */
import type { Lane } from '@belfry/contract'
import type { OutgoingEvent, Packet } from '../../engine/ports/transport.ts'
import { EnginePacketType } from './packets/engine-packets.ts'
import type { Message, PacketCodec } from './packets/packet.ts'
import { eventText, textCodec } from './packets/text-codec.ts'
import { deflateFrame } from './websocket/deflate.ts'
import { binaryFrame, textFrame } from './websocket/frames.ts'

let outgoingCount = 0

/** What lies in a connection's queue: one or more Engine.IO packets that belong together. */
export class Outgoing {
  /** Engine.IO packets: text with its type, or bytes. */
  readonly packets: readonly Message[]
  readonly lane: Lane
  /** Of the lane `latest`: which waiting one it replaces. */
  readonly key: string | undefined
  readonly bytes: number
  /** Tells it from others when queues are compared. */
  readonly number: number
  #frames: Buffer | undefined
  #compressedFrames: Buffer | undefined

  constructor(packets: readonly Message[], lane: Lane = 'stream', key?: string) {
    this.packets = packets
    this.lane = lane
    this.key = key
    this.bytes = sizeOf(packets)
    outgoingCount = (outgoingCount + 1) | 0
    this.number = outgoingCount
  }

  /** As WebSocket frames, all in one piece. One socket server has one bound for what it compresses. */
  frames(compressBeyondBytes: number | undefined): Buffer {
    if (compressBeyondBytes !== undefined) {
      this.#compressedFrames ??= joined(
        this.packets.map((packet) => deflateFrame(frameOf(packet), compressBeyondBytes)),
      )
      return this.#compressedFrames
    }
    this.#frames ??= joined(this.packets.map(frameOf))
    return this.#frames
  }
}

export class EncodedEvent implements Packet {
  readonly lane: Lane
  readonly bytes: number
  readonly #event: OutgoingEvent
  readonly #codec: PacketCodec
  #withCursor: Outgoing | undefined
  #bare: Outgoing | undefined

  constructor(event: OutgoingEvent, codec: PacketCodec) {
    this.lane = event.lane
    this.bytes = event.data.length + sizeOf(event.attachments)
    this.#event = event
    this.#codec = codec
  }

  outgoing(cursorMode: boolean): Outgoing {
    if (cursorMode) {
      this.#withCursor ??= this.#encode(this.#event.cursor)
      return this.#withCursor
    }
    this.#bare ??= this.#encode(undefined)
    return this.#bare
  }

  #encode(cursor: string | undefined): Outgoing {
    const { namespace, name, lane, key } = this.#event
    const packets = eventPackets(this.#codec, this.#event, cursor)
    return new Outgoing(packets, lane, key === undefined ? undefined : `${namespace}\n${name}\n${key}`)
  }
}

/** `id` makes it a request, which the client answers. */
export function eventPackets(
  codec: PacketCodec,
  { namespace, name, data, attachments }: OutgoingEvent,
  cursor: string | undefined,
  id?: number,
): readonly Message[] {
  if (codec !== textCodec) {
    const payload = withAttachments(JSON.parse(data), attachments)
    const args = cursor === undefined ? [name, payload] : [name, payload, cursor]
    return enginePackets(codec.encodeEvent(namespace, args, id))
  }
  const text = eventText(namespace, name, data, cursor, id, attachments.length)
  return [EnginePacketType.MESSAGE + text, ...attachments]
}

/** Puts the type of Engine.IO before what is text. */
export function enginePackets(messages: readonly Message[]): readonly Message[] {
  return messages.map((message) =>
    typeof message === 'string' ? EnginePacketType.MESSAGE + message : message,
  )
}

function frameOf(packet: Message): Buffer {
  return typeof packet === 'string' ? textFrame(packet) : binaryFrame(packet)
}

function joined(frames: readonly Buffer[]): Buffer {
  const only = frames.length === 1 ? frames[0] : undefined
  return only ?? Buffer.concat(frames)
}

function sizeOf(packets: readonly Message[]): number {
  let bytes = 0
  // Characters stand for bytes: what matters is the order of magnitude, and counting would read each text again.
  for (const packet of packets) bytes += typeof packet === 'string' ? packet.length : packet.byteLength
  return bytes
}

/** Undoes what the engine did for text: bytes go back to where their placeholders stand. */
function withAttachments(value: unknown, attachments: readonly Uint8Array[]): unknown {
  if (attachments.length === 0 || typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map((entry) => withAttachments(entry, attachments))
  if (
    '_placeholder' in value &&
    value._placeholder === true &&
    'num' in value &&
    typeof value.num === 'number'
  )
    return attachments[value.num]
  return Object.fromEntries(
    Object.entries(value).map(([key, entry]) => [key, withAttachments(entry, attachments)]),
  )
}

/**
 * Packets as MessagePack, for clients with `socket.io-msgpack-parser`: each is one message of bytes, a map of
 * `type`, `nsp`, `data` and `id`. Bytes stay where they are, dates stay dates and `undefined` stays `undefined`.
 */
import { Encoder, ExtData } from '@msgpack/msgpack'
import { checkDepth, hasToJson, isBytes, toBytes } from './binary.ts'
import { checkNamespace, inboundAck, inboundConnect, inboundEvent, withDepth } from './inbound.ts'
import { MalformedPacket } from './malformed-packet.ts'
import { MsgpackInput } from './msgpack-input.ts'
import {
  type InboundPacket,
  type Message,
  type PacketCodec,
  type PacketLimits,
  type PacketReader,
  PacketType,
} from './packet.ts'

export const msgpackCodec: PacketCodec = {
  encodeConnect: (nsp, data) => encode({ type: PacketType.CONNECT, data, nsp }),
  encodeConnectError: (nsp, data) => encode({ type: PacketType.CONNECT_ERROR, data, nsp }),
  encodeDisconnect: (nsp) => encode({ type: PacketType.DISCONNECT, nsp }),
  encodeEvent: (nsp, data, id) =>
    encode(
      id === undefined ? { type: PacketType.EVENT, data, nsp } : { type: PacketType.EVENT, data, id, nsp },
    ),
  encodeAck: (nsp, id, data) => encode({ type: PacketType.ACK, data, id, nsp }),
  createReader: (limits) => new MsgpackReader(limits),
}

class MsgpackReader implements PacketReader {
  readonly #limits: PacketLimits

  constructor(limits: PacketLimits) {
    this.#limits = limits
  }

  get hasPendingAttachments(): boolean {
    return false
  }

  push(message: Message): InboundPacket {
    if (typeof message === 'string') throw new MalformedPacket('msgpack')
    const { depthMax } = this.#limits
    const input = new MsgpackInput(message, depthMax)
    const { type, nsp, id, data } = readFields(input)
    checkNamespace(nsp)
    if (id !== undefined && !isPacketId(id)) throw new MalformedPacket('id')
    if (type === PacketType.EVENT) return withDepth(inboundEvent(nsp, id, data), input.depth, depthMax)
    if (type === PacketType.ACK) return withDepth(inboundAck(nsp, id, data), input.depth, depthMax)
    if (type !== PacketType.CONNECT && type !== PacketType.DISCONNECT) throw new MalformedPacket('type')
    if (id !== undefined) throw new MalformedPacket('id')
    if (type === PacketType.CONNECT) {
      if (input.depth > depthMax) throw new MalformedPacket('auth')
      return inboundConnect(nsp, data)
    }
    if (data !== undefined) throw new MalformedPacket('payload')
    return { type, namespace: nsp }
  }
}

interface Fields {
  type: unknown
  nsp: unknown
  id: unknown
  data: unknown
}

/** The stock client also writes `options`, which mean nothing to us. */
function readFields(input: MsgpackInput): Fields {
  const fields: Fields = { type: undefined, nsp: undefined, id: undefined, data: undefined }
  const count = input.mapHeader()
  if (count === undefined) throw new MalformedPacket('msgpack')
  for (let index = 0; index < count; index++) {
    const key = input.key()
    if (key === 'data') fields.data = readData(input)
    else if (key === 'type' || key === 'nsp' || key === 'id') fields[key] = input.value()
    else input.skip()
  }
  if (!input.isAtEnd) throw new MalformedPacket('msgpack')
  return fields
}

/** The list of arguments is no level of depth. */
function readData(input: MsgpackInput): unknown {
  const count = input.listHeader()
  if (count === undefined) return input.value()
  const args: unknown[] = []
  for (let index = 0; index < count; index++) args.push(input.value())
  return args
}

function isPacketId(id: unknown): id is number {
  return Number.isSafeInteger(id) && (id as number) >= 0
}

/** `packable` has its own bound of depth. The buffer of the encoder stays as large as its largest message. */
const encoder = new Encoder({ maxDepth: 1_000 })

function encode(packet: object): readonly Message[] {
  // The packet itself is no level.
  return [encoder.encode(packable(packet, -1))]
}

/** A copy of what the encoder would write otherwise than `notepack.io` does. */
function packable(value: unknown, depth: number): unknown {
  if (value === undefined) return undefinedExtension
  if (typeof value !== 'object' || value === null) return value
  checkDepth(depth)
  if (Array.isArray(value)) {
    const copy: unknown[] = []
    for (let index = 0; index < value.length; index++) copy.push(packable(value[index], depth + 1))
    return copy
  }
  if (isBytes(value)) return toBytes(value)
  if (value instanceof Date) return dateExtension(value)
  if (hasToJson(value)) return packable(value.toJSON(), depth + 1)
  const copy: Record<string, unknown> = {}
  for (const key of Object.keys(value)) {
    const inner = (value as Record<string, unknown>)[key]
    if (typeof inner !== 'function' && key !== '__proto__') copy[key] = packable(inner, depth + 1)
  }
  return copy
}

const undefinedExtension = new ExtData(0, new Uint8Array(1))

/** Milliseconds as a whole number of eight bytes; not the date of MessagePack, which stock clients do not know. */
function dateExtension(date: Date): ExtData {
  const bytes = Buffer.alloc(8)
  bytes.writeBigInt64BE(BigInt(date.getTime() || 0))
  return new ExtData(0, bytes)
}

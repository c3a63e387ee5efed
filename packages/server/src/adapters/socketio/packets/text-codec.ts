/**
 * Packets as text, which every client speaks:
 *
 *   2/posts,17["post:rename",{"id":"a"}]     type, namespace and comma (both absent for `/`), id, JSON
 *   51-/posts,["post:drawn",{"_placeholder":true,"num":0}]     with one attachment, which follows as bytes
 */
import { fillSlots, findSlots, hasBinary, type Slot, takeOutBytes } from './binary.ts'
import {
  checkNamespace,
  inboundAck,
  inboundConnect,
  inboundEvent,
  measured,
  type UnmeasuredPacket,
} from './inbound.ts'
import { MalformedPacket } from './malformed-packet.ts'
import {
  type InboundPacket,
  type Message,
  type PacketCodec,
  type PacketLimits,
  type PacketReader,
  PacketType,
} from './packet.ts'
import { sanitize } from './sanitize.ts'

export const textCodec: PacketCodec = {
  encodeConnect: (namespace, data) => [`${PacketType.CONNECT}${prefixOf(namespace)}${JSON.stringify(data)}`],
  encodeConnectError: (namespace, error) => [
    `${PacketType.CONNECT_ERROR}${prefixOf(namespace)}${JSON.stringify(error)}`,
  ],
  encodeDisconnect: (namespace) => [`${PacketType.DISCONNECT}${prefixOf(namespace)}`],
  encodeEvent: (namespace, args, id) =>
    encodeArgs(PacketType.EVENT, PacketType.BINARY_EVENT, `${prefixOf(namespace)}${id ?? ''}`, args),
  encodeAck: (namespace, id, args) =>
    encodeArgs(PacketType.ACK, PacketType.BINARY_ACK, `${prefixOf(namespace)}${id}`, args),
  createReader: (limits) => new TextReader(limits),
}

/**
 * The text of an event whose payload is JSON already, so that it is made once for all recipients. With
 * `attachmentCount` the payload has as many placeholders, and the bytes follow the text.
 */
export function eventText(
  namespace: string,
  name: string,
  payloadJson: string,
  cursor: string | undefined,
  id?: number,
  attachmentCount = 0,
): string {
  const type = attachmentCount === 0 ? PacketType.EVENT : `${PacketType.BINARY_EVENT}${attachmentCount}-`
  const last = cursor === undefined ? '' : `,${JSON.stringify(cursor)}`
  return `${type}${prefixOf(namespace)}${id ?? ''}[${JSON.stringify(name)},${payloadJson}${last}]`
}

function encodeArgs(
  type: number,
  binaryType: number,
  head: string,
  args: readonly unknown[],
): readonly Message[] {
  if (!hasBinary(args)) return [`${type}${head}${JSON.stringify(args)}`]
  const { value, attachments } = takeOutBytes(args)
  return [`${binaryType}${attachments.length}-${head}${JSON.stringify(value)}`, ...attachments]
}

function prefixOf(namespace: string): string {
  return namespace === '/' ? '' : `${namespace},`
}

/** A packet whose attachments are on their way. */
interface Pending {
  readonly packet: UnmeasuredPacket
  readonly count: number
  /** Absent: too deep to be looked through. The attachments come all the same. */
  readonly slots: readonly Slot[] | undefined
  readonly attachments: Uint8Array[]
  bytes: number
}

class TextReader implements PacketReader {
  readonly #limits: PacketLimits
  #pending: Pending | undefined

  constructor(limits: PacketLimits) {
    this.#limits = limits
  }

  get hasPendingAttachments(): boolean {
    return this.#pending !== undefined
  }

  push(message: Message): InboundPacket | undefined {
    if (typeof message !== 'string') return this.#take(message)
    if (this.#pending === undefined) return this.#read(message)
    this.#pending = undefined
    throw new MalformedPacket('attachment_missing')
  }

  #read(text: string): InboundPacket | undefined {
    const type = text.charCodeAt(0) - zero
    if (!(type >= 0 && type <= PacketType.BINARY_ACK) || type === PacketType.CONNECT_ERROR)
      throw new MalformedPacket('type')
    let at = 1
    let count = 0
    if (type >= PacketType.BINARY_EVENT) {
      at = endOfDigits(text, 1)
      count = readNumber(text, 1, at)
      if (count < 1 || count > this.#limits.attachmentsMax || text.charCodeAt(at) !== dash)
        throw new MalformedPacket('attachment_count')
      at += 1
    }
    let namespace = '/'
    if (text.charCodeAt(at) === slash) {
      const comma = text.indexOf(',', at)
      // Without a comma nothing follows: some clients leave it away where there is no payload.
      const end = comma === -1 ? text.length : comma
      namespace = text.slice(at, end)
      checkNamespace(namespace)
      at = end + 1
    }
    const end = endOfDigits(text, at)
    const id = end === at ? undefined : readId(text, at, end)
    const data = end < text.length ? parseJson(text, end) : undefined
    if (type === PacketType.EVENT || type === PacketType.BINARY_EVENT)
      return this.#await(inboundEvent(namespace, id, data), count)
    if (type === PacketType.ACK || type === PacketType.BINARY_ACK)
      return this.#await(inboundAck(namespace, id, data), count)
    if (id !== undefined) throw new MalformedPacket('id')
    if (type === PacketType.CONNECT) {
      const { depthMax } = this.#limits
      if (sanitize(data, { depthMax }) > depthMax) throw new MalformedPacket('auth')
      return inboundConnect(namespace, data)
    }
    if (data !== undefined) throw new MalformedPacket('payload')
    return { type: PacketType.DISCONNECT, namespace }
  }

  #await(packet: UnmeasuredPacket, count: number): InboundPacket | undefined {
    const { depthMax } = this.#limits
    if (count === 0) return measured(packet, depthMax)
    const slots = findSlots(packet.args, count, depthMax)
    this.#pending = { packet, count, slots, attachments: [], bytes: 0 }
    return undefined
  }

  #take(bytes: Uint8Array): InboundPacket | undefined {
    const pending = this.#pending
    if (pending === undefined) throw new MalformedPacket('attachment_unexpected')
    pending.bytes += bytes.byteLength
    if (pending.bytes > this.#limits.attachmentBytesMax) {
      this.#pending = undefined
      throw new MalformedPacket('attachment_bytes')
    }
    if (pending.attachments.push(bytes) < pending.count) return undefined
    this.#pending = undefined
    if (pending.slots !== undefined) fillSlots(pending.slots, pending.attachments)
    return measured(pending.packet, this.#limits.depthMax)
  }
}

const zero = 48
const dash = 45
const slash = 47
const blank = 32
/** Of 2^53 - 1. */
const idDigitsMax = 16

/** Where the digits end that begin at `from`; never further than one digit too many. */
function endOfDigits(text: string, from: number): number {
  const last = Math.min(text.length, from + idDigitsMax + 1)
  let at = from
  while (at < last) {
    const digit = text.charCodeAt(at) - zero
    if (digit < 0 || digit > 9) break
    at += 1
  }
  return at
}

/** Adds up the digits: `Number(text.slice(…))` took 50 of the 420 ns of reading a small command. */
function readNumber(text: string, from: number, end: number): number {
  let number = 0
  for (let at = from; at < end; at++) number = number * 10 + (text.charCodeAt(at) - zero)
  return number
}

function readId(text: string, from: number, end: number): number {
  const id = readNumber(text, from, end)
  if (end - from > idDigitsMax || !Number.isSafeInteger(id)) throw new MalformedPacket('id')
  return id
}

/** V8 reads JSON without recursion: five million levels were read without harm. */
function parseJson(text: string, from: number): unknown {
  // JSON may begin with blanks. Nobody writes them, and the stock parser takes them for digits of the id.
  if (text.charCodeAt(from) <= blank) throw new MalformedPacket('payload')
  try {
    return JSON.parse(text.slice(from))
  } catch {
    throw new MalformedPacket('payload')
  }
}

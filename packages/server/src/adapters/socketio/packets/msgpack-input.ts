/**
 * Reads MessagePack of strangers: the values that `notepack.io` of the stock parser writes. Ours and not that of
 * `@msgpack/msgpack`, which makes room for a list before it has seen its elements: five bytes took 256 MB of memory,
 * and fifty bytes took 2.7 GB and eight seconds. Here no byte makes more than one value.
 */
import { MalformedPacket } from './malformed-packet.ts'
import { isUnsafeKey } from './sanitize.ts'

export class MsgpackInput {
  readonly #bytes: Buffer
  readonly #depthMax: number
  #at = 0
  /** Levels of lists and maps in what `value` read so far; `depthMax + 1` stands for all that is deeper. */
  depth = 0

  constructor(bytes: Uint8Array, depthMax: number) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    this.#depthMax = depthMax
  }

  get isAtEnd(): boolean {
    return this.#at === this.#bytes.length
  }

  /** Entries of the map that begins here. `undefined`, and nothing is read, if something else does. */
  mapHeader(): number | undefined {
    return isMap(this.#next()) ? this.#size(this.#head()) : undefined
  }

  /** As `mapHeader`, for a list. */
  listHeader(): number | undefined {
    return isList(this.#next()) ? this.#size(this.#head()) : undefined
  }

  key(): string {
    const head = this.#head()
    if (!isText(head)) throw new MalformedPacket('msgpack_key')
    return this.#text(this.#size(head))
  }

  /** Keys that `sanitize` takes out are left out; what is too deep is `undefined`, and `depth` tells. */
  value(level = 1): unknown {
    const head = this.#head()
    if (head <= 0x7f) return head
    if (head >= 0xe0) return head - 0x100
    const size = this.#size(head)
    if (isText(head)) return this.#text(size)
    if (isList(head)) return this.#enter(level) ? this.#list(size, level) : this.skip(size)
    if (isMap(head)) return this.#enter(level) ? this.#map(size, level) : this.skip(2 * size)
    if (isExtension(head)) return this.#extension(head, size)
    return this.#scalar(head, this.#pass(size))
  }

  /**
   * Steps over `count` values and all that is inside them, without making any and without recursion. Each value has
   * a byte at least: numbers that lie end at the end of the message.
   */
  skip(count = 1): undefined {
    for (let left = count; left > 0; left--) {
      const head = this.#head()
      const size = this.#size(head)
      if (isList(head)) left += size
      else if (isMap(head)) left += 2 * size
      else this.#pass(isExtension(head) ? size + 1 : size)
    }
  }

  #enter(level: number): boolean {
    if (level > this.depth) this.depth = level
    return level <= this.#depthMax
  }

  /** Grows with what is really there. */
  #list(size: number, level: number): unknown[] {
    const list: unknown[] = []
    for (let index = 0; index < size; index++) list.push(this.value(level + 1))
    return list
  }

  #map(size: number, level: number): Record<string, unknown> {
    const map: Record<string, unknown> = {}
    for (let index = 0; index < size; index++) {
      const key = this.key()
      if (isUnsafeKey(key)) this.skip()
      else map[key] = this.value(level + 1)
    }
    return map
  }

  #scalar(head: number, at: number): unknown {
    const bytes = this.#bytes
    switch (head) {
      case 0xc0:
        return null
      case 0xc2:
        return false
      case 0xc3:
        return true
      case 0xca:
        return bytes.readFloatBE(at)
      case 0xcb:
        return bytes.readDoubleBE(at)
      case 0xcc:
        return bytes.readUInt8(at)
      case 0xcd:
        return bytes.readUInt16BE(at)
      case 0xce:
        return bytes.readUInt32BE(at)
      case 0xcf:
        return Number(bytes.readBigUInt64BE(at))
      case 0xd0:
        return bytes.readInt8(at)
      case 0xd1:
        return bytes.readInt16BE(at)
      case 0xd2:
        return bytes.readInt32BE(at)
      case 0xd3:
        return Number(bytes.readBigInt64BE(at))
      default:
        // What is left are the three lengths of bytes: the same memory, not a copy.
        return bytes.subarray(at, this.#at)
    }
  }

  /** Type 0 of `notepack.io`: one byte is `undefined`, eight are a date, what tells its length is an ArrayBuffer. */
  #extension(head: number, size: number): unknown {
    if (this.#head() !== 0) throw new MalformedPacket('msgpack')
    const at = this.#pass(size)
    if (head === 0xd4) return undefined
    if (head <= 0xc9) return this.#bytes.subarray(at, this.#at)
    const date = head === 0xd7 ? new Date(Number(this.#bytes.readBigInt64BE(at))) : undefined
    if (date === undefined || Number.isNaN(date.getTime())) throw new MalformedPacket('msgpack')
    return date
  }

  #text(size: number): string {
    const at = this.#pass(size)
    // Most are short keys: letter by letter, a small packet takes 660 ns to read instead of 970.
    if (size > shortTextMax) return this.#bytes.toString('utf8', at, this.#at)
    let text = ''
    for (let index = at; index < this.#at; index++) {
      const byte = this.#bytes[index] ?? 0
      if (byte > 0x7f) return this.#bytes.toString('utf8', at, this.#at)
      text += String.fromCharCode(byte)
    }
    return text
  }

  /** The length in bytes, or the number of elements or entries, of what begins with `head`. */
  #size(head: number): number {
    if (head <= 0x7f || head >= 0xe0) return 0
    if (head <= 0x9f) return head & 0x0f
    if (head <= 0xbf) return head & 0x1f
    const size = sizes[head - 0xc0] ?? 0
    if (size >= 0) return size
    if (size === lengthInOneByte) return this.#bytes.readUInt8(this.#pass(1))
    if (size === lengthInTwoBytes) return this.#bytes.readUInt16BE(this.#pass(2))
    if (size === lengthInFourBytes) return this.#bytes.readUInt32BE(this.#pass(4))
    throw new MalformedPacket('msgpack')
  }

  #next(): number {
    return this.#bytes[this.#at] ?? unused
  }

  #head(): number {
    return this.#bytes[this.#pass(1)] ?? unused
  }

  /** Where the next `size` bytes begin. */
  #pass(size: number): number {
    const at = this.#at
    if (size > this.#bytes.length - at) throw new MalformedPacket('msgpack')
    this.#at = at + size
    return at
  }
}

function isText(head: number): boolean {
  return (head >= 0xa0 && head <= 0xbf) || (head >= 0xd9 && head <= 0xdb)
}

function isList(head: number): boolean {
  return (head >= 0x90 && head <= 0x9f) || head === 0xdc || head === 0xdd
}

function isMap(head: number): boolean {
  return (head >= 0x80 && head <= 0x8f) || head === 0xde || head === 0xdf
}

function isExtension(head: number): boolean {
  return (head >= 0xc7 && head <= 0xc9) || (head >= 0xd4 && head <= 0xd8)
}

/** Bytes. V8 copies texts up to this length when they are put together, and keeps pointers beyond. */
const shortTextMax = 12

/** The one first byte without a meaning. */
const unused = 0xc1
const lengthInOneByte = -1
const lengthInTwoBytes = -2
const lengthInFourBytes = -4
const none = -8

/** For the first bytes 0xc0 to 0xdf: how long the value is, or how long its length is. */
const sizes: readonly number[] = [
  // nil, unused, false, true, three of bytes, three of extensions
  ...[0, none, 0, 0, -1, -2, -4, -1, -2, -4],
  // two floats, four numbers without a sign, four with one
  ...[4, 8, 1, 2, 4, 8, 1, 2, 4, 8],
  // five extensions of fixed length, three of text, two of lists, two of maps
  ...[1, 2, 4, 8, 16, -1, -2, -4, -2, -4, -2, -4],
]

/**
 * Reads what a client sends over a WebSocket (RFC 6455, RFC 7692): one reader for each connection. It tells one
 * handler, which the connection is itself, so that there are no closures. An idle reader holds no bytes.
 *
 *   idle → in a message (`#message`) → idle     while it reads; a frame that is cut short waits in `#cut`
 *   any  → stopped (`#handler` is gone)         by a close, a violation, `stop`, or a handler that throws
 */
import { isUtf8 } from 'node:buffer'
import { inflateMessage } from './deflate.ts'
import { controlBytesMax, deflatedBit, isCloseCode, noCloseCode, opcodes } from './frames.ts'
import { MaskedMemory, maskFor, notAscii } from './mask.ts'
import { PartialMessage } from './partial-message.ts'

export interface FrameHandler {
  onText(text: string): void
  /** The bytes are the handler's own. */
  onBinary(bytes: Buffer): void
  /** The payload is the handler's own. */
  onPing(payload: Buffer): void
  onPong(): void
  /** The client closes: `code` is 1005 if it gave none. Nothing follows. */
  onClose(code: number, reason: string): void
  /** The client broke the rules: `code` is for the close frame, `reason` one of a fixed list. Nothing follows. */
  onViolation(code: number, reason: FrameViolation): void
}

/** One object for all connections. */
export interface FrameLimits {
  /** Of one message, after it was inflated. */
  readonly maxPayloadBytes: number
  /** Whether the handshake agreed on compression. */
  readonly deflate: boolean
}

/** A fixed list: nothing that a client wrote becomes part of a reason. */
const violations = {
  reserved_bits: [1002, 'A frame has a reserved bit set.'],
  reserved_opcode: [1002, 'A frame has an opcode without a meaning.'],
  unmasked: [1002, 'A frame is not masked.'],
  control_fragmented: [1002, 'A control frame is fragmented.'],
  control_length: [1002, 'A control frame is longer than 125 bytes.'],
  continuation: [1002, 'A fragment continues no message.'],
  interrupted: [1002, 'A message begins before the one before it has ended.'],
  length: [1002, 'A frame has a length with the highest bit set.'],
  close_payload: [1002, 'A close frame has half a code.'],
  close_code: [1002, 'A close frame has a code that may not travel.'],
  close_reason: [1007, 'A close frame has a reason that is not UTF-8.'],
  text: [1007, 'A text is not UTF-8.'],
  damaged: [1007, 'A compressed message cannot be inflated.'],
  empty_fragments: [1008, 'A message has too many empty fragments.'],
  too_long: [1009, 'A message is longer than the limit.'],
} as const satisfies Readonly<Record<string, readonly [code: number, reason: string]>>

export type FrameViolation = (typeof violations)[keyof typeof violations][1]

/** Empty fragments add nothing to a message, so its length does not bound them. No client has a use for many. */
const emptyFragmentsMax = 64

/**
 * A data frame that came whole is unmasked here, in memory that all readers share: nothing is allocated for it.
 * A read from a socket brings 64 KiB at most.
 */
const shared = new MaskedMemory(65_536)

export class FrameReader {
  #handler: FrameHandler | undefined
  readonly #limits: FrameLimits
  /** The beginning of a frame whose head, or of a control frame whose payload, is not whole: 130 bytes at most. */
  #cut: Buffer | undefined
  #message: PartialMessage | undefined

  constructor(handler: FrameHandler, limits: FrameLimits) {
    this.#handler = handler
    this.#limits = limits
  }

  /** Not to be called by the handler. A chunk is only read, and not kept. */
  push(chunk: Buffer): void {
    if (this.#handler === undefined) return
    try {
      this.#read(this.#handler, chunk)
    } catch (error) {
      // The handler threw. The rest of the chunk is lost, so what comes next could not be understood.
      this.stop()
      throw error
    }
  }

  /** Nothing is delivered from here on, the rest of the chunk included that is being read. */
  stop(): void {
    this.#handler = undefined
    this.#cut = undefined
    this.#message = undefined
  }

  #read(handler: FrameHandler, chunk: Buffer): void {
    let bytes = chunk
    let at = 0
    if (this.#cut !== undefined) {
      bytes = Buffer.concat([this.#cut, chunk])
      this.#cut = undefined
    } else if (this.#message?.isInFrame) {
      at = this.#continue(handler, this.#message, bytes, 0)
    }
    while (at < bytes.length && this.#handler !== undefined) at = this.#frame(handler, bytes, at)
  }

  /** Reads the frame that begins at `at`, as much of it as there is, and returns where the next one begins. */
  #frame(handler: FrameHandler, bytes: Buffer, at: number): number {
    const first = bytes[at] as number
    const opcode = first & 0x0f
    const isLast = first >= 0x80
    const isControl = opcode >= opcodes.close
    const violation = this.#violationOf(first)
    if (violation !== undefined) return this.#fail(violation)

    const available = bytes.length - at
    if (available < 2) return this.#keep(bytes, at)
    const second = bytes[at + 1] as number
    if (second < 0x80) return this.#fail('unmasked')
    let length = second & 0x7f
    let maskAt = at + 2
    if (isControl) {
      if (length > controlBytesMax) return this.#fail('control_length')
    } else if (length === 126) {
      if (available < 4) return this.#keep(bytes, at)
      length = bytes.readUInt16BE(at + 2)
      maskAt = at + 4
    } else if (length === 127) {
      if (available < 10) return this.#keep(bytes, at)
      if ((bytes[at + 2] as number) >= 0x80) return this.#fail('length')
      length = bytes.readInt32BE(at + 6)
      // 2 GiB and more are beyond every limit, and numbers that are no small integers are slow for all readers.
      if (length < 0 || bytes.readInt32BE(at + 2) !== 0) return this.#fail('too_long')
      maskAt = at + 10
    }
    const payloadAt = maskAt + 4
    const end = payloadAt + length

    if (isControl) {
      if (end > bytes.length) return this.#keep(bytes, at)
      unmaskShared(bytes, maskAt, length)
      this.#control(handler, opcode, length)
      return end
    }

    let message = this.#message
    const isDeflated = message?.isDeflated ?? (first & deflatedBit) !== 0
    if ((message?.length ?? 0) + length > this.#wireMax(isDeflated)) return this.#fail('too_long')
    if (payloadAt > bytes.length) return this.#keep(bytes, at)
    if (isLast && message === undefined && end <= bytes.length && length <= shared.bytes.length) {
      const seen = unmaskShared(bytes, maskAt, length)
      if (isDeflated) this.#inflated(handler, opcode === opcodes.text, shared.bytes.subarray(0, length))
      else if (opcode === opcodes.binary) handler.onBinary(Buffer.from(shared.bytes.subarray(0, length)))
      else if ((seen & notAscii) === 0) handler.onText(shared.bytes.toString('latin1', 0, length))
      else this.#text(handler, shared.bytes, length)
      return end
    }
    if (message === undefined) {
      message = new PartialMessage(opcode === opcodes.text, isDeflated)
      this.#message = message
    }
    if (length === 0 && !isLast && ++message.emptyFragments > emptyFragmentsMax) {
      return this.#fail('empty_fragments')
    }
    message.startFrame(bytes, maskAt, length, isLast)
    return this.#continue(handler, message, bytes, payloadAt)
  }

  #continue(handler: FrameHandler, message: PartialMessage, bytes: Buffer, at: number): number {
    const next = message.take(bytes, at)
    if (message.isComplete) {
      this.#message = undefined
      if (message.isDeflated) this.#inflated(handler, message.isText, message.bytes)
      else if (message.isText) this.#text(handler, message.bytes, message.length)
      else handler.onBinary(message.bytes)
    }
    return next
  }

  #inflated(handler: FrameHandler, isText: boolean, deflated: Buffer): void {
    const bytes = inflateMessage(deflated, this.#limits.maxPayloadBytes)
    if (bytes === 'too-long') this.#fail('too_long')
    else if (bytes === 'damaged') this.#fail('damaged')
    else if (isText) this.#text(handler, bytes, bytes.length)
    else handler.onBinary(bytes)
  }

  /**
   * Decoding makes U+FFFD of what is not UTF-8. Only a text that has one needs a look at its bytes, in which it
   * may stand as itself: 14 to 35 ns for the search, 45 to 80 for `isUtf8` on every text.
   */
  #text(handler: FrameHandler, bytes: Buffer, length: number): void {
    const text = bytes.toString('utf8', 0, length)
    if (text.includes('\ufffd') && !isUtf8(bytes.subarray(0, length))) this.#fail('text')
    else handler.onText(text)
  }

  /** The payload stands at the beginning of the shared memory. */
  #control(handler: FrameHandler, opcode: number, length: number): void {
    if (opcode === opcodes.pong) handler.onPong()
    else if (opcode === opcodes.ping) handler.onPing(Buffer.from(shared.bytes.subarray(0, length)))
    else this.#close(handler, Buffer.from(shared.bytes.subarray(0, length)))
  }

  #close(handler: FrameHandler, payload: Buffer): void {
    if (payload.length === 0) {
      this.stop()
      handler.onClose(noCloseCode, '')
      return
    }
    const reason = payload.subarray(2)
    const code = payload.length > 1 ? payload.readUInt16BE(0) : undefined
    if (code === undefined) this.#fail('close_payload')
    else if (!isCloseCode(code)) this.#fail('close_code')
    else if (!isUtf8(reason)) this.#fail('close_reason')
    else {
      this.stop()
      handler.onClose(code, reason.toString())
    }
  }

  /** By its first byte, so that nothing is waited for that could not be right any more. */
  #violationOf(first: number): keyof typeof violations | undefined {
    const opcode = first & 0x0f
    if ((first & 0x30) !== 0) return 'reserved_bits'
    if (opcode >= opcodes.close) {
      if (opcode > opcodes.pong) return 'reserved_opcode'
      if ((first & deflatedBit) !== 0) return 'reserved_bits'
      return first < 0x80 ? 'control_fragmented' : undefined
    }
    if (opcode > opcodes.binary) return 'reserved_opcode'
    const mayBeDeflated = this.#limits.deflate && opcode !== opcodes.continuation
    if ((first & deflatedBit) !== 0 && !mayBeDeflated) return 'reserved_bits'
    if (opcode === opcodes.continuation) return this.#message === undefined ? 'continuation' : undefined
    return this.#message === undefined ? undefined : 'interrupted'
  }

  /** What does not compress becomes longer by it, an eighth and a little at worst by the formula of zlib. */
  #wireMax(isDeflated: boolean): number {
    const { maxPayloadBytes } = this.#limits
    return isDeflated
      ? maxPayloadBytes + (maxPayloadBytes >>> 3) + (maxPayloadBytes >>> 6) + 64
      : maxPayloadBytes
  }

  /** Keeps the beginning of a frame. Its own memory: a slice of the pool would hold 64 KiB for a few bytes. */
  #keep(bytes: Buffer, at: number): number {
    const cut = Buffer.allocUnsafeSlow(bytes.length - at)
    bytes.copy(cut, 0, at)
    this.#cut = cut
    return bytes.length
  }

  /** The number stands for the next frame, which nobody reads: the handler is gone. */
  #fail(violation: keyof typeof violations): number {
    const handler = this.#handler
    const [code, reason] = violations[violation]
    this.stop()
    handler?.onViolation(code, reason)
    return 0
  }
}

function unmaskShared(frame: Buffer, maskAt: number, length: number): number {
  frame.copy(shared.bytes, 0, maskAt + 4, maskAt + 4 + length)
  return shared.unmask(0, length, maskFor(frame, maskAt, 0))
}

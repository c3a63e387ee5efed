/** A message that did not come in one piece: it is in fragments, cut by the network, or very long. */
import { MaskedMemory, maskFor } from './mask.ts'

/** The first room for a message. It doubles from there, so that a long message in small pieces is copied twice. */
const firstBytes = 4096

const noMemory = new MaskedMemory(0)

/**
 * Room grows with what has come, not with what was announced: ten bytes of a head must not cost a megabyte. One
 * buffer, not a list: a list of pieces of one byte each would need a hundred times the bytes of the message.
 */
export class PartialMessage {
  readonly isText: boolean
  readonly isDeflated: boolean
  emptyFragments = 0
  #memory = noMemory
  #length = 0
  #mask = 0
  /** Of the frame that is being read: what is still to come, and whether it is the last. */
  #frameLeft = 0
  #isLast = false

  constructor(isText: boolean, isDeflated: boolean) {
    this.isText = isText
    this.isDeflated = isDeflated
  }

  get length(): number {
    return this.#length
  }

  get isInFrame(): boolean {
    return this.#frameLeft > 0
  }

  get isComplete(): boolean {
    return this.#isLast && this.#frameLeft === 0
  }

  get bytes(): Buffer {
    return this.#memory.bytes.subarray(0, this.#length)
  }

  startFrame(frame: Buffer, maskAt: number, payloadBytes: number, isLast: boolean): void {
    this.#mask = maskFor(frame, maskAt, this.#length)
    this.#frameLeft = payloadBytes
    this.#isLast = isLast
  }

  /** Takes what belongs to the frame out of `chunk`, and returns where the next one begins. */
  take(chunk: Buffer, at: number): number {
    const taken = Math.min(this.#frameLeft, chunk.length - at)
    const end = this.#length + taken
    if (end > this.#memory.bytes.length) this.#grow(end)
    chunk.copy(this.#memory.bytes, this.#length, at, at + taken)
    this.#memory.unmask(this.#length, end, this.#mask)
    this.#length = end
    this.#frameLeft -= taken
    return at + taken
  }

  #grow(needed: number): void {
    const announced = this.#length + this.#frameLeft
    const doubled = Math.max(needed, 2 * this.#memory.bytes.length, Math.min(announced, firstBytes))
    const grown = new MaskedMemory(this.#isLast ? Math.min(doubled, announced) : doubled)
    this.#memory.bytes.copy(grown.bytes, 0, 0, this.#length)
    this.#memory = grown
  }
}

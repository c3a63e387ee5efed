/** What a reader told its handler, in a form that is quick to compare. */
import type { FrameHandler, FrameLimits } from '../frame-reader.ts'
import { FrameReader } from '../frame-reader.ts'

/** Bytes are in hexadecimal. */
export type Heard =
  | readonly ['text', string]
  | readonly ['binary' | 'ping', string]
  | readonly ['pong']
  | readonly ['close' | 'violation', number, string]

export class Recording implements FrameHandler {
  readonly heard: Heard[] = []
  /** Called after each thing that was heard. */
  after: () => void = () => {}

  onText(text: string): void {
    this.#add(['text', text])
  }

  onBinary(bytes: Buffer): void {
    this.#add(['binary', bytes.toString('hex')])
  }

  onPing(payload: Buffer): void {
    this.#add(['ping', payload.toString('hex')])
  }

  onPong(): void {
    this.#add(['pong'])
  }

  onClose(code: number, reason: string): void {
    this.#add(['close', code, reason])
  }

  onViolation(code: number, reason: string): void {
    this.#add(['violation', code, reason])
  }

  #add(heard: Heard): void {
    this.heard.push(heard)
    this.after()
  }
}

export const testLimits: FrameLimits = { maxPayloadBytes: 1_048_576, deflate: false }

/** A new reader gets `chunks`, each in memory of its own. */
export function readAll(chunks: readonly Uint8Array[], limits: Partial<FrameLimits> = {}): Heard[] {
  const recording = new Recording()
  const reader = new FrameReader(recording, { ...testLimits, ...limits })
  for (const chunk of chunks) reader.push(Buffer.from(chunk))
  return recording.heard
}

export function pieces(bytes: Buffer, size: number): Buffer[] {
  const cut: Buffer[] = []
  for (let at = 0; at < bytes.length; at += size) cut.push(bytes.subarray(at, at + size))
  return cut
}

/**
 * Reads frames the slow and obvious way, from all bytes at once: what the reader under test is compared with.
 * It shares no code with it.
 */
import { constants, inflateRawSync } from 'node:zlib'
import type { Heard } from './recording.ts'

/** Codes instead of sentences: `['violation', code, '']`. */
export function referenceRead(
  input: Uint8Array,
  { maxPayloadBytes, deflate }: { readonly maxPayloadBytes: number; readonly deflate: boolean },
): Heard[] {
  const bytes = [...input]
  const heard: Heard[] = []
  let open: { opcode: number; deflated: boolean; bytes: number[]; empty: number } | undefined
  const violation = (code: number): Heard[] => [...heard, ['violation', code, '']]

  while (bytes.length > 0) {
    const [first = 0, second] = bytes
    const opcode = first % 16
    const last = first >= 128
    const deflated = (first >> 6) % 2 === 1
    const control = opcode >= 8
    if ((first >> 4) % 4 !== 0 || ![0, 1, 2, 8, 9, 10].includes(opcode)) return violation(1002)
    if (deflated && (!deflate || opcode === 0 || control)) return violation(1002)
    if (control && !last) return violation(1002)
    if (!control && (opcode === 0) !== (open !== undefined)) return violation(1002)
    if (second === undefined) return heard
    if (second < 128 || (control && second > 128 + 125)) return violation(1002)
    const lengthBytes = second === 254 ? 2 : second === 255 ? 8 : 0
    if (bytes.length < 2 + lengthBytes) return heard
    let length = BigInt(second - 128)
    if (lengthBytes > 0) {
      length = bytes.slice(2, 2 + lengthBytes).reduce((sum, byte) => sum * 256n + BigInt(byte), 0n)
    }
    if (length >= 2n ** 63n) return violation(1002)
    const message = control ? undefined : (open ?? { opcode, deflated, bytes: [], empty: 0 })
    if (message !== undefined) {
      const wireMax = message.deflated ? wireMaxOf(maxPayloadBytes) : maxPayloadBytes
      if (BigInt(message.bytes.length) + length > BigInt(wireMax)) return violation(1009)
    }
    const head = 2 + lengthBytes + 4
    if (message !== undefined && bytes.length >= head && length === 0n && !last && ++message.empty > 64) {
      return violation(1008)
    }
    if (bytes.length < head + Number(length)) return heard
    const mask = bytes.slice(head - 4, head)
    const payload = bytes
      .splice(0, head + Number(length))
      .slice(head)
      .map((byte, index) => byte ^ (mask[index % 4] ?? 0))

    if (message === undefined) {
      const [high, low] = payload
      if (opcode === 9) heard.push(['ping', Buffer.from(payload).toString('hex')])
      else if (opcode === 10) heard.push(['pong'])
      else if (high === undefined) return [...heard, ['close', 1005, '']]
      else if (low === undefined || !mayTravel(high * 256 + low)) return violation(1002)
      else {
        const reason = decode(payload.slice(2))
        return reason === undefined ? violation(1007) : [...heard, ['close', high * 256 + low, reason]]
      }
      continue
    }
    message.bytes.push(...payload)
    open = last ? undefined : message
    if (!last) continue
    const inflated = message.deflated ? inflate(message.bytes, maxPayloadBytes) : message.bytes
    if (typeof inflated === 'number') return violation(inflated)
    if (message.opcode === 2) heard.push(['binary', Buffer.from(inflated).toString('hex')])
    else {
      const text = decode(inflated)
      if (text === undefined) return violation(1007)
      heard.push(['text', text])
    }
  }
  return heard
}

function wireMaxOf(bytes: number): number {
  return bytes + Math.floor(bytes / 8) + Math.floor(bytes / 64) + 64
}

function mayTravel(code: number): boolean {
  const known = [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014]
  return known.includes(code) || (code >= 3000 && code < 5000)
}

function decode(bytes: readonly number[] | Buffer): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(Uint8Array.from(bytes))
  } catch {
    return undefined
  }
}

/** The bytes, or the code of the violation. The pieces matter when data is both damaged and too long. */
function inflate(bytes: readonly number[], maxOutputLength: number): Buffer | number {
  const whole = Uint8Array.from([...bytes, 0, 0, 0xff, 0xff, 1, 0, 0, 0xff, 0xff])
  try {
    return inflateRawSync(whole, { finishFlush: constants.Z_FINISH, maxOutputLength, chunkSize: 4096 })
  } catch (error) {
    return (error as { code?: unknown }).code === 'ERR_BUFFER_TOO_LARGE' ? 1009 : 1007
  }
}

/**
 * Reads packets of Socket.IO. The event of a fleet is read by its bytes: `["NAME",{"n":NUMBER,"t":MICROSECONDS,…},"CURSOR"]`.
 * Everything else comes rarely, and is parsed.
 */
import { trailingBytesMax, type WireClient } from './wire-client.ts'

const code = (character: string) => character.charCodeAt(0)
/** First characters of packets of Engine.IO. */
export const openPacket = { open: code('0'), close: code('1'), ping: code('2'), message: code('4') } as const
const [quote, bracket, comma, zero] = [code('"'), code(']'), code(','), code('0')] as const

export type Packet =
  | { readonly type: 'connect'; readonly pid: string | undefined }
  | {
      readonly type: 'event'
      readonly name: string
      readonly data: unknown
      readonly trailing: string | undefined
    }
  | { readonly type: 'dismissed'; readonly reason: string }
  | { readonly type: 'other' }

export interface EventReader {
  /** Whether it was one of the fleet's; then `event` and `publishedAtMs` are those of it, and the client has its string. */
  read(client: WireClient, bytes: Buffer, from: number, end: number): boolean
  readonly event: number
  readonly publishedAtMs: number
  parse(packet: string): Packet
}

export function createEventReader(namespace: string, name: string): EventReader {
  const before = namespace === '/' ? '' : `${namespace},`
  const head = Buffer.from(`2${before}[${JSON.stringify(name)},{"n":`)
  const middle = Buffer.from(',"t":')
  let event = 0
  let publishedAtMs = 0
  let at = 0

  function number(bytes: Buffer, end: number): number {
    let value = 0
    for (; at < end; at += 1) {
      const digit = (bytes[at] as number) - zero
      if (digit < 0 || digit > 9) break
      value = value * 10 + digit
    }
    return value
  }

  return {
    get event() {
      return event
    },
    get publishedAtMs() {
      return publishedAtMs
    },
    read(client, bytes, from, end) {
      if (!startsWith(bytes, from, end, head)) return false
      at = from + head.length
      event = number(bytes, end)
      if (!startsWith(bytes, at, end, middle)) return false
      at += middle.length
      publishedAtMs = number(bytes, end) / 1_000
      keepTrailing(client, bytes, end)
      return true
    },
    parse(packet) {
      const type = packet[0]
      const body = packet.slice(1).startsWith(before) ? packet.slice(1 + before.length) : packet.slice(1)
      if (type === '0') {
        const { pid } = JSON.parse(body === '' ? '{}' : body) as { pid?: string }
        return { type: 'connect', pid }
      }
      if (type === '2') {
        const [named, ...args] = JSON.parse(body.replace(/^\d+/, '')) as [string, ...unknown[]]
        const last = args.at(-1)
        return {
          type: 'event',
          name: named,
          data: args[0],
          trailing: typeof last === 'string' ? last : undefined,
        }
      }
      if (type === '1' || type === '4')
        return { type: 'dismissed', reason: body === '' ? 'disconnected' : body }
      return { type: 'other' }
    },
  }
}

function startsWith(bytes: Buffer, from: number, end: number, head: Buffer): boolean {
  if (from + head.length > end) return false
  for (let index = 0; index < head.length; index += 1) if (bytes[from + index] !== head[index]) return false
  return true
}

/** The last argument, if it is a string: that is what a stock client sends when it comes back. */
function keepTrailing(client: WireClient, bytes: Buffer, end: number): void {
  if (bytes[end - 1] !== bracket || bytes[end - 2] !== quote) return
  const last = end - 2
  for (let first = last - 1; first > last - 2 - trailingBytesMax; first -= 1) {
    if (bytes[first] !== quote) continue
    if (bytes[first - 1] !== comma) return
    client.trailingLength = bytes.copy(client.trailing, 0, first + 1, last)
    return
  }
}

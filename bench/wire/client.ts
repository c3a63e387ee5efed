/**
 * A client at the level of the wire, for which a stock one would be far too slow: Engine.IO 4 over a WebSocket on a
 * bare socket. It knows what the bench needs: to get in, to answer pings, to count what comes and to time it.
 *
 *   connecting → entering (its namespaces) → in → over
 */
import { connect, type Socket } from 'node:net'
import type { Histogram } from '../../packages/testing/src/fleet/histogram.ts'
import { sharedMicros } from './world.ts'

/** What all clients of the generator share. */
export interface ClientHost {
  readonly port: number
  /** Events are only counted, by the heads of their frames; otherwise each is looked into for when it left. */
  isCounting: boolean
  bytes: number
  answers: number
  readonly latencies: Histogram
  readonly commands: CommandFrames
  entered(client: WireClient): void
  lost(client: WireClient, reason: string): void
}

/**
 * All clients read into the same memory, as nothing of it is kept. As large as what a kernel hands over at once when
 * there is much.
 */
const shared = Buffer.allocUnsafeSlow(256 * 1_024)

/** First bytes of frames that are whole. */
const firstBytes = { text: 0x81, close: 0x88 } as const

export class WireClient {
  readonly #host: ClientHost
  readonly #socket: Socket
  readonly #entry: Buffer
  readonly #namespaceCount: number
  readonly beganMicros = sharedMicros()
  /** Events that it got. */
  received = 0
  #state: 'connecting' | 'entering' | 'in' | 'over' = 'connecting'
  #entered = 0
  /** A frame of which the rest is to come, when it will be looked into. */
  #pending: Buffer | undefined
  /** Bytes still to come of a frame that was counted. */
  #skip = 0
  /** When the commands left that have no answer yet, in a ring. */
  #sentMicros: Float64Array | undefined
  #oldest = 0
  /** Of an answer that was looked into. */
  #answerLength = 0

  /** `entry`: what it says to enter its namespaces. */
  constructor(host: ClientHost, entry: Buffer, namespaceCount: number) {
    this.#host = host
    this.#entry = entry
    this.#namespaceCount = namespaceCount
    this.#socket = connect({
      port: host.port,
      host: '127.0.0.1',
      noDelay: true,
      onread: { buffer: shared, callback: (count) => this.#read(count) },
    })
    this.#socket.once('connect', () => this.#socket.write(upgradeRequest))
    this.#socket.once('error', (error) => this.#lost(error.message))
    this.#socket.once('close', () => this.#lost('closed'))
  }

  /** Goes away at once, without a word and without leaving its port occupied. */
  cut(): void {
    this.#state = 'over'
    this.#socket.resetAndDestroy()
  }

  /** Sends so many commands, and another one after each answer. */
  startCommands(outstanding: number): void {
    if (outstanding > ringMax)
      throw new RangeError(`${ringMax} commands of a client wait at a time, at most.`)
    this.#sentMicros = new Float64Array(outstanding)
    this.#oldest = 0
    this.#command(outstanding)
  }

  stopCommands(): void {
    this.#sentMicros = undefined
  }

  #command(count: number): void {
    const sent = this.#sentMicros
    if (sent === undefined) return
    const now = sharedMicros()
    const first = this.#oldest
    for (let index = 0; index < count; index += 1) sent[(first + index) % sent.length] = now
    this.#socket.write(this.#host.commands.of(first, count, sent.length))
  }

  #lost(reason: string): void {
    if (this.#state === 'over') return
    this.#state = 'over'
    this.#host.lost(this, reason)
  }

  #read(count: number): boolean {
    if (this.#state === 'connecting') this.#readUpgrade(shared.toString('latin1', 0, count))
    else this.#readFrames(count)
    return true
  }

  #readUpgrade(answer: string): void {
    const end = answer.indexOf('\r\n\r\n')
    if (!answer.startsWith('HTTP/1.1 101 ') || end === -1) {
      this.#lost(`not upgraded: ${answer.slice(0, 200)}`)
      this.#socket.destroy()
      return
    }
    this.#state = 'entering'
    const from = end + 4
    if (from === answer.length) return
    shared.copyWithin(0, from, answer.length)
    this.#readFrames(answer.length - from)
  }

  #readFrames(count: number): void {
    const host = this.#host
    host.bytes += count
    if (this.#skip >= count) {
      this.#skip -= count
      return
    }
    let at = this.#skip
    this.#skip = 0
    let bytes = shared
    let end = count
    if (this.#pending !== undefined) {
      bytes = Buffer.concat([this.#pending, shared.subarray(0, count)])
      end = bytes.length
      this.#pending = undefined
    }
    const isCounting = host.isCounting
    let counted = 0
    let answers = 0
    while (at < end) {
      // Heads of frames: 2 bytes, 4 from 126 bytes of payload on. Nothing here is as large as 64 KiB.
      const short = bytes[at + 1] as number
      const payloadAt = short === 126 ? at + 4 : at + 2
      const next =
        payloadAt + (short === 126 ? ((bytes[at + 2] as number) << 8) | (bytes[at + 3] as number) : short)
      if (payloadAt > end || at + 1 >= end) break
      if (isCounting && short > 1) {
        counted += 1
        if (next > end) this.#skip = next - end
      } else if (next > end) break
      else answers += this.#packet(bytes, at, payloadAt, next)
      at = next
    }
    this.received += counted
    if (at < end) this.#pending = Buffer.from(bytes.subarray(at, end))
    if (answers > 0) this.#answered(answers)
  }

  /** 1 for the answer to a command. */
  #packet(bytes: Buffer, at: number, from: number, end: number): number {
    if (bytes[at] !== firstBytes.text) {
      if (bytes[at] === firstBytes.close)
        this.#lost(`closed by the server: ${bytes.toString('latin1', from + 2, end)}`)
      return 0
    }
    const type = bytes[from]
    if (type === characters.ping) this.#socket.write(pongFrame)
    else if (type === characters.open) this.#socket.write(this.#entry)
    else if (type === characters.message) return this.#message(bytes, from + 1, end)
    return 0
  }

  #message(bytes: Buffer, from: number, end: number): number {
    const type = bytes[from]
    if (type === characters.ack) {
      this.#check(bytes, from, end)
      return 1
    }
    if (type === characters.event) this.#event(bytes, from, end)
    else if (type === characters.connect) {
      this.#entered += 1
      if (this.#entered === this.#namespaceCount) {
        this.#state = 'in'
        this.#host.entered(this)
      }
    } else this.#lost(`refused: ${bytes.toString('latin1', from, end)}`)
    return 0
  }

  /** A refusal would be a fast answer. One is read; the others are as long as that. */
  #check(bytes: Buffer, from: number, end: number): void {
    if (end - from === this.#answerLength) return
    const answer = bytes.toString('latin1', from, end)
    if (this.#answerLength === 0 && answer.endsWith(expectedAnswer)) this.#answerLength = end - from
    else this.#lost(`another answer than expected: ${answer}`)
  }

  #event(bytes: Buffer, from: number, end: number): void {
    this.received += 1
    const mark = bytes.indexOf(stampMark, from)
    if (mark === -1 || mark > end) this.#lost('an event does not say when it left')
    let stamp = 0
    for (let at = mark + stampMark.length; at < end; at += 1) {
      const digit = (bytes[at] as number) - 48
      if (digit < 0 || digit > 9) break
      stamp = stamp * 10 + digit
    }
    this.#host.latencies.add(sharedMicros() - stamp)
  }

  #answered(count: number): void {
    const host = this.#host
    host.answers += count
    const sent = this.#sentMicros
    if (sent === undefined) return
    const now = sharedMicros()
    const first = this.#oldest
    for (let index = 0; index < count; index += 1)
      host.latencies.add(now - (sent[(first + index) % sent.length] ?? now))
    this.#command(count)
    this.#oldest = (first + count) % sent.length
  }
}

const upgradeRequest = Buffer.from(
  [
    'GET /socket.io/?EIO=4&transport=websocket HTTP/1.1',
    'Host: 127.0.0.1',
    'Connection: Upgrade',
    'Upgrade: websocket',
    'User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0',
    'Sec-WebSocket-Version: 13',
    'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
    '\r\n',
  ].join('\r\n'),
)

const code = (character: string) => character.charCodeAt(0)
/** First characters: of Engine.IO packets, and behind a message those of Socket.IO. */
const characters = {
  open: code('0'),
  ping: code('2'),
  message: code('4'),
  connect: code('0'),
  event: code('2'),
  ack: code('3'),
} as const

const stampMark = Buffer.from('"t":')
const expectedAnswer = JSON.stringify([{ ok: true, data: { seen: true } }])

/** As a client sends it: masked, here always with the same bytes. */
export function maskedTextFrame(text: string): Buffer {
  const payload = Buffer.from(text)
  if (payload.length > 0xffff) throw new RangeError('Longer than this bench needs.')
  const head = payload.length < 126 ? [payload.length] : [126, payload.length >>> 8, payload.length & 0xff]
  const mask = [0x3a, 0xc5, 0x91, 0x6e]
  const frame = Buffer.from([
    firstBytes.text,
    (head[0] as number) | 0x80,
    ...head.slice(1),
    ...mask,
    ...payload,
  ])
  const payloadAt = frame.length - payload.length
  for (let at = payloadAt; at < frame.length; at += 1)
    frame[at] = (frame[at] as number) ^ (mask[(at - payloadAt) % 4] as number)
  return frame
}

const pongFrame = maskedTextFrame('3')

/** Answers begin with the id, which then has one digit, so that they are all as long as each other. */
const ringMax = 10

/** Commands that wait for an answer have different ids; so few of them that all their frames are made beforehand. */
export class CommandFrames {
  readonly #textOf: (id: number) => string
  readonly #made = new Map<number, Buffer>()

  constructor(textOf: (id: number) => string) {
    this.#textOf = textOf
  }

  /** The ids go round in a ring of `size`; of each client the oldest is answered first. */
  of(first: number, count: number, size: number): Buffer {
    const key = (size * (ringMax + 1) + first) * (ringMax + 1) + count
    let frames = this.#made.get(key)
    if (frames === undefined) {
      const ids = Array.from({ length: count }, (_, index) => (first + index) % size)
      frames = Buffer.concat(ids.map((id) => maskedTextFrame(this.#textOf(id))))
      this.#made.set(key, frames)
    }
    return frames
  }
}

/** Engine.IO over WebSocket on a bare socket: a stock client costs twenty times as much. */
import { connect, type Socket } from 'node:net'
import type { CutOptions } from '../faults/fault-line.ts'
import { later } from '../real-time.ts'
import { type Carrier, type CarrierOptions, userAgent } from './carrier.ts'
import { createFrameReader, type FrameReader, firstBytes, maskedTextFrame } from './frames.ts'

/**
 * All clients read into the same memory, as nothing of it is kept. As large as what a kernel hands over at once when
 * there is much.
 */
const shared = Buffer.allocUnsafeSlow(256 * 1_024)
/** What a slow reader takes at once. */
const slowReadBytes = 4 * 1_024

export class WebSocketCarrier implements Carrier {
  readonly #options: CarrierOptions
  readonly #socket: Socket
  readonly #frames: FrameReader = createFrameReader()
  readonly #buffer: Buffer
  #isUpgraded = false
  #isOver = false
  #isHeld = false
  #stopWaiting: () => void = () => undefined
  /** What a held line did not let out. */
  #unsent: Buffer[] = []

  constructor(options: CarrierOptions) {
    this.#options = options
    const { url, bytesPerSecond } = options
    this.#buffer = bytesPerSecond === undefined ? shared : Buffer.allocUnsafeSlow(slowReadBytes)
    this.#socket = connect({
      port: Number(url.port),
      host: url.hostname,
      noDelay: true,
      onread: { buffer: this.#buffer, callback: (count) => this.#read(count) },
    })
    this.#socket.once('connect', () => this.#socket.write(upgradeRequest(url)))
    this.#socket.on('error', (error) => this.#closed(error.message))
    this.#socket.once('close', () => this.#closed('closed'))
  }

  send(packet: string): void {
    if (this.#isOver) return
    const frame = packet === '3' ? pongFrame : maskedTextFrame(packet)
    if (this.#isHeld) this.#unsent.push(frame)
    else this.#socket.write(frame)
  }

  cut({ how = 'reset', told = 'both' }: CutOptions): void {
    if (told === 'client') {
      // The server has an end to which nothing comes any more.
      this.#socket.pause()
      this.#closed('its line was cut')
      return
    }
    if (told === 'server') this.#isOver = true
    if (how === 'reset') this.#socket.resetAndDestroy()
    else this.#socket.destroy()
    this.#closed('its line was cut')
  }

  hold(): void {
    this.#isHeld = true
    this.#socket.pause()
  }

  release(): void {
    this.#isHeld = false
    for (const frame of this.#unsent.splice(0)) this.#socket.write(frame)
    this.#socket.resume()
  }

  close(): void {
    this.#isOver = true
    this.#stopWaiting()
    this.#socket.resetAndDestroy()
  }

  #closed(reason: string): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#stopWaiting()
    this.#options.closed(reason)
  }

  #read(count: number): boolean {
    if (this.#isOver) return false
    const bytes = this.#buffer.subarray(0, count)
    if (this.#isUpgraded) this.#readFrames(bytes)
    else this.#readUpgrade(bytes)
    if (this.#isHeld || this.#isOver) return false
    const { bytesPerSecond } = this.#options
    if (bytesPerSecond === undefined) return true
    this.#stopWaiting = later((count / bytesPerSecond) * 1_000, () => {
      if (!this.#isHeld && !this.#isOver) this.#socket.resume()
    })
    return false
  }

  #readUpgrade(bytes: Buffer): void {
    const end = bytes.indexOf('\r\n\r\n')
    if (end === -1 || !bytes.subarray(0, 13).equals(upgraded)) {
      this.#closed(`not upgraded: ${bytes.toString('latin1', 0, 100)}`)
      this.#socket.resetAndDestroy()
      return
    }
    this.#isUpgraded = true
    this.#readFrames(bytes.subarray(end + 4))
  }

  #readFrames(bytes: Buffer): void {
    this.#frames.read(bytes, (first, all, from, end) => {
      if (first === firstBytes.text) this.#options.packet(all, from, end)
      else if (first === firstBytes.close) {
        this.#closed(`closed by the server: ${all.toString('utf8', from + 2, end)}`)
        this.#socket.destroy()
      }
      return !this.#isOver
    })
  }
}

const pongFrame = maskedTextFrame('3')
const upgraded = Buffer.from('HTTP/1.1 101 ')

function upgradeRequest({ host, pathname }: URL): string {
  return [
    `GET ${pathname}?EIO=4&transport=websocket HTTP/1.1`,
    `Host: ${host}`,
    'Connection: Upgrade',
    'Upgrade: websocket',
    `User-Agent: ${userAgent}`,
    'Sec-WebSocket-Version: 13',
    'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
    '\r\n',
  ].join('\r\n')
}

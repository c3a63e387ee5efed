/** Engine.IO over long polling: one GET that waits for packets, and a POST for each thing to say. */
import { Agent, type IncomingMessage, request } from 'node:http'
import type { Socket } from 'node:net'
import type { CutOptions } from '../faults/fault-line.ts'
import { type Carrier, type CarrierOptions, userAgent } from './carrier.ts'

/** Between packets of a payload. */
const separator = 0x1e

export class PollingCarrier implements Carrier {
  readonly #options: CarrierOptions
  readonly #agent = new Agent({ keepAlive: true })
  readonly #sockets = new Set<Socket>()
  #sid = ''
  #isOver = false
  #isHeld = false
  #waiting: string[] = []
  #isSending = false

  constructor(options: CarrierOptions) {
    this.#options = options
    const open = this.#agent.createConnection.bind(this.#agent)
    this.#agent.createConnection = (given, done) => {
      const socket = open(given, done) as Socket
      this.#sockets.add(socket)
      socket.once('close', () => this.#sockets.delete(socket))
      if (this.#isHeld) socket.pause()
      return socket
    }
    this.#poll()
  }

  send(packet: string): void {
    this.#waiting.push(packet)
    this.#sendWaiting()
  }

  cut({ how = 'reset', told = 'both' }: CutOptions): void {
    if (told === 'client') for (const socket of this.#sockets) socket.pause()
    else this.#break(how)
    if (told === 'server') this.#isOver = true
    this.#closed('its line was cut')
  }

  hold(): void {
    this.#isHeld = true
    for (const socket of this.#sockets) socket.pause()
  }

  release(): void {
    this.#isHeld = false
    for (const socket of this.#sockets) socket.resume()
    this.#sendWaiting()
  }

  close(): void {
    this.#isOver = true
    this.#break('reset')
  }

  #break(how: 'reset' | 'close'): void {
    for (const socket of this.#sockets)
      if (how === 'reset') socket.resetAndDestroy()
      else socket.destroy()
    this.#agent.destroy()
  }

  #closed(reason: string): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#options.closed(reason)
  }

  /** The next GET leaves when the answer of the last one was read. */
  #poll(): void {
    this.#ask('GET', undefined, (payload) => {
      let from = 0
      while (from < payload.length && !this.#isOver) {
        const next = payload.indexOf(separator, from)
        const end = next === -1 ? payload.length : next
        this.#packet(payload, from, end)
        from = end + 1
      }
      if (!this.#isOver) this.#poll()
    })
  }

  #packet(payload: Buffer, from: number, end: number): void {
    const type = payload[from]
    if (type === open)
      this.#sid = (JSON.parse(payload.toString('utf8', from + 1, end)) as { sid: string }).sid
    if (type === close) this.#closed('closed by the server')
    else this.#options.packet(payload, from, end)
  }

  #sendWaiting(): void {
    if (this.#isSending || this.#isHeld || this.#waiting.length === 0) return
    this.#isSending = true
    this.#ask('POST', this.#waiting.splice(0).join(String.fromCharCode(separator)), () => {
      this.#isSending = false
      this.#sendWaiting()
    })
  }

  #ask(method: 'GET' | 'POST', body: string | undefined, answered: (payload: Buffer) => void): void {
    if (this.#isOver) return
    const { hostname, port, pathname } = this.#options.url
    const asked = request({
      agent: this.#agent,
      method,
      hostname,
      port,
      path: `${pathname}?EIO=4&transport=polling${this.#sid === '' ? '' : `&sid=${this.#sid}`}`,
      headers: {
        'user-agent': userAgent,
        ...(body === undefined
          ? {}
          : { 'content-type': 'text/plain;charset=UTF-8', 'content-length': Buffer.byteLength(body) }),
      },
    })
    asked.once('error', (error) => this.#closed(error.message))
    asked.once('response', (answer: IncomingMessage) => {
      const chunks: Buffer[] = []
      answer.on('data', (chunk: Buffer) => chunks.push(chunk))
      answer.once('error', (error) => this.#closed(error.message))
      answer.once('end', () => {
        if (this.#isOver) return
        if (answer.statusCode === 200) answered(Buffer.concat(chunks))
        else {
          this.#closed(`answered with ${answer.statusCode}`)
          this.#break('close')
        }
      })
    })
    asked.end(body)
  }
}

const open = 0x30
const close = 0x31

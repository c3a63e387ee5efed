/** Clients that say exactly what a test wants them to say, well-formed or not. */
import { WebSocket } from 'ws'

export type Message = string | Buffer

export interface Handshake {
  readonly sid: string
  readonly upgrades: readonly string[]
  readonly pingInterval: number
  readonly pingTimeout: number
  readonly maxPayload: number
}

interface SocketOptions {
  /** Instead of `EIO=4&transport=websocket`. */
  readonly query?: string
  readonly path?: string
  readonly headers?: Record<string, string>
  /** Offers compression, as stock clients and browsers do. */
  readonly deflate?: boolean
}

/** A request that was answered with a status instead of a WebSocket. */
export class Refused extends Error {
  readonly status: number
  readonly body: string

  constructor(status: number, body: string) {
    super(`${status} ${body}`)
    this.status = status
    this.body = body
  }
}

/** One WebSocket, and all that came over it. */
export class RawSocket {
  readonly received: Message[] = []
  /** Resolves, whoever ended it. */
  readonly closed: Promise<{ readonly code: number; readonly reason: string }>
  readonly #socket: WebSocket
  #read = 0
  #wake: () => void = () => undefined
  #end: { readonly code: number; readonly reason: string } | undefined

  private constructor(socket: WebSocket) {
    this.#socket = socket
    this.closed = new Promise((resolve) => {
      socket.on('close', (code, reason) => {
        this.#end = { code, reason: reason.toString() }
        resolve(this.#end)
        this.#wake()
      })
    })
    socket.on('error', () => undefined)
    socket.on('message', (data: Buffer, isBinary) => {
      this.received.push(isBinary ? data : data.toString())
      this.#wake()
    })
  }

  /** Rejects with `Refused` when the server does not want it. */
  static open(url: string, options: SocketOptions = {}): Promise<RawSocket> {
    const { query = 'EIO=4&transport=websocket', path = '/socket.io/', headers = {} } = options
    const socket = new WebSocket(`${url.replace('http', 'ws')}${path}${query === '' ? '' : `?${query}`}`, {
      headers,
      perMessageDeflate: options.deflate ?? false,
    })
    const raw = new RawSocket(socket)
    return new Promise((resolve, reject) => {
      socket.once('open', () => resolve(raw))
      socket.once('error', reject)
      socket.once('unexpected-response', (_request, response) => {
        let body = ''
        response.on('data', (chunk: Buffer) => {
          body += chunk.toString()
        })
        response.on('end', () => reject(new Refused(response.statusCode ?? 0, body)))
      })
    })
  }

  get isOpen(): boolean {
    return this.#end === undefined
  }

  send(...packets: readonly (string | Uint8Array)[]): void {
    for (const packet of packets) this.#socket.send(packet)
  }

  /** The next message that was not read yet. Rejects when there will be none. */
  async next(): Promise<Message> {
    for (;;) {
      const message = this.received[this.#read]
      if (message !== undefined) {
        this.#read += 1
        return message
      }
      if (this.#end !== undefined) throw new Error(`Closed: ${this.#end.code} ${this.#end.reason}`)
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
  }

  async nextText(): Promise<string> {
    const message = await this.next()
    if (typeof message !== 'string') throw new Error(`Bytes came instead of text: ${message.toString('hex')}`)
    return message
  }

  async handshake(): Promise<Handshake> {
    return readHandshake(await this.nextText())
  }

  /** Opens a session, and answers with what the server said to it. */
  async enter(token: string, namespace = '/posts', auth: object = {}): Promise<{ sid: string; pid: string }> {
    this.send(`40${namespace},${JSON.stringify({ token, ...auth })}`)
    const answer = await this.nextText()
    const start = `40${namespace},`
    if (!answer.startsWith(start)) throw new Error(`Not let in: ${answer}`)
    return JSON.parse(answer.slice(start.length))
  }

  /** Says nothing and goes. */
  terminate(): void {
    this.#socket.terminate()
  }

  close(code?: number, reason?: string): void {
    this.#socket.close(code, reason)
  }
}

export interface Answered {
  readonly status: number
  readonly text: string
  /** What a body of polling holds. */
  readonly packets: readonly string[]
  readonly headers: Headers
}

/** One connection over HTTP. */
export class RawPolling {
  readonly handshake: Handshake
  readonly url: string
  readonly #abort = new AbortController()
  readonly #headers: Record<string, string>

  private constructor(url: string, handshake: Handshake, headers: Record<string, string>) {
    this.url = url
    this.handshake = handshake
    this.#headers = headers
  }

  static async open(url: string, headers: Record<string, string> = {}): Promise<RawPolling> {
    const path = `${url}/socket.io/?EIO=4&transport=polling`
    const answer = await answered(fetch(path, { headers }))
    if (answer.status !== 200) throw new Refused(answer.status, answer.text)
    const handshake = readHandshake(answer.text)
    return new RawPolling(`${path}&sid=${handshake.sid}`, handshake, headers)
  }

  poll(signal?: AbortSignal): Promise<Answered> {
    const own = this.#abort.signal
    const answer = answered(
      fetch(this.url, {
        headers: this.#headers,
        signal: signal === undefined ? own : AbortSignal.any([own, signal]),
      }),
    )
    // One that nobody waits for any more fails when the test ends.
    answer.catch(() => undefined)
    return answer
  }

  post(body: string, method = 'POST'): Promise<Answered> {
    const signal = this.#abort.signal
    return answered(fetch(this.url, { method, body, headers: this.#headers, signal }))
  }

  async enter(token: string, namespace = '/posts', auth: object = {}): Promise<{ sid: string; pid: string }> {
    await this.post(`40${namespace},${JSON.stringify({ token, ...auth })}`)
    const { text, packets } = await this.poll()
    const start = `40${namespace},`
    if (packets[0]?.startsWith(start) !== true) throw new Error(`Not let in: ${text}`)
    return JSON.parse(packets[0].slice(start.length))
  }

  terminate(): void {
    this.#abort.abort()
  }
}

export async function answered(responding: Promise<Response>): Promise<Answered> {
  const response = await responding
  const text = await response.text()
  return { status: response.status, text, packets: text.split('\x1e'), headers: response.headers }
}

function readHandshake(text: string): Handshake {
  if (!text.startsWith('0')) throw new Error(`This is no handshake: ${text}`)
  return JSON.parse(text.slice(1))
}

/** What somebody is refused with, who should be. */
export function refusal(opening: Promise<unknown>): Promise<Refused> {
  return opening.then(
    () => Promise.reject(new Error('It was let in.')),
    (error: unknown) => {
      if (error instanceof Refused) return error
      throw error
    },
  )
}

/** Of an error of Engine.IO. */
export const codeOf = (text: string): unknown => JSON.parse(text).code

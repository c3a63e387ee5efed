/** A bare socket that asks for a WebSocket and may then send what no client would. */
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { until } from '../../../../engine/testing/until.ts'

export class RawClient implements Disposable {
  readonly #socket: Socket
  #received = Buffer.alloc(0)
  #hasEnded = false

  private constructor(socket: Socket) {
    this.#socket = socket
    socket.on('data', (chunk: Buffer) => {
      this.#received = Buffer.concat([this.#received, chunk])
    })
    socket.on('end', () => {
      this.#hasEnded = true
    })
  }

  static async open(port: number): Promise<RawClient> {
    const socket = connect(port, '127.0.0.1')
    await once(socket, 'connect')
    return new RawClient(socket)
  }

  /** Sends a request; `behind` goes out in the same packet. */
  request(headers: Readonly<Record<string, string>> = {}, first = 'GET /x HTTP/1.1', behind?: Buffer): void {
    const all: Record<string, string> = {
      Host: 'localhost',
      Upgrade: 'websocket',
      Connection: 'Upgrade',
      'Sec-WebSocket-Version': '13',
      'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
      ...headers,
    }
    const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`)
    this.#socket.write(
      Buffer.concat([Buffer.from(`${first}\r\n${lines.join('')}\r\n`), behind ?? Buffer.alloc(0)]),
    )
  }

  send(bytes: Uint8Array): void {
    this.#socket.write(bytes)
  }

  /** Takes the head of the answer away. */
  async head(): Promise<string> {
    await until(() => this.#received.includes('\r\n\r\n'), { what: 'the head of an answer' })
    const end = this.#received.indexOf('\r\n\r\n') + 4
    const head = this.#received.toString('latin1', 0, end)
    this.#received = this.#received.subarray(end)
    return head
  }

  /** Everything that came until the server hung up. */
  async rest(): Promise<Buffer> {
    await until(() => this.#hasEnded, { what: 'the end of the connection' })
    return this.#received
  }

  async bytes(count: number): Promise<Buffer> {
    await until(() => this.#received.length >= count, { what: `${count} bytes` })
    return this.#received
  }

  [Symbol.dispose](): void {
    this.#socket.destroy()
  }
}

/** A bare TCP connection, for what no HTTP or WebSocket library would send. */
import { randomBytes } from 'node:crypto'
import { connect, type Socket } from 'node:net'

export class RawLine {
  readonly socket: Socket
  /** Resolves when the other side has ended it, in whatever way. */
  readonly ended: Promise<void>
  #received = ''

  private constructor(socket: Socket) {
    this.socket = socket
    this.ended = new Promise((resolve) => {
      for (const event of ['end', 'close', 'error']) socket.once(event, () => resolve())
    })
    socket.on('data', (chunk: Buffer) => {
      this.#received += chunk.toString('latin1')
    })
  }

  static open(url: string): Promise<RawLine> {
    const { hostname, port } = new URL(url)
    return new Promise((resolve, reject) => {
      // Half open as an attacker would keep it: the end of the other side is not the end of ours.
      const socket = connect({ host: hostname, port: Number(port), allowHalfOpen: true })
      const line = new RawLine(socket)
      socket.once('connect', () => resolve(line))
      socket.once('error', reject)
    })
  }

  /** As Latin-1, a character a byte. */
  get received(): string {
    return this.#received
  }

  write(bytes: string | Uint8Array): boolean {
    return this.socket.write(bytes)
  }

  /** Asks for a WebSocket; what follows are frames. */
  askForWebSocket(query = 'EIO=4&transport=websocket', headers: readonly string[] = []): void {
    const lines = [
      `GET /socket.io/?${query} HTTP/1.1`,
      'Host: here',
      'Connection: Upgrade',
      'Upgrade: websocket',
      'Sec-WebSocket-Version: 13',
      `Sec-WebSocket-Key: ${randomBytes(16).toString('base64')}`,
      ...headers,
    ]
    this.write(`${lines.join('\r\n')}\r\n\r\n`)
  }

  terminate(): void {
    this.socket.destroy()
  }
}

/** A frame as a client sends it. The mask is all zeros, so that the payload stays what it is. */
export function clientFrame(opcode: number, payload: string | Uint8Array, firstBits = 0x80): Buffer {
  const bytes = Buffer.from(payload)
  const { length } = bytes
  const head =
    length < 126
      ? [firstBits | opcode, 0x80 | length]
      : length < 65_536
        ? [firstBits | opcode, 0x80 | 126, length >>> 8, length & 0xff]
        : [firstBits | opcode, 0x80 | 127, 0, 0, 0, 0, ...numberBytes(length)]
  return Buffer.concat([Buffer.from([...head, 0, 0, 0, 0]), bytes])
}

export const opcode = { text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const

function numberBytes(value: number): number[] {
  return [value >>> 24, (value >>> 16) & 0xff, (value >>> 8) & 0xff, value & 0xff]
}

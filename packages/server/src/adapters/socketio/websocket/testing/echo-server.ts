/** A real HTTP server that answers messages with themselves, as a connection would do it. */
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import { deflateFrame } from '../deflate.ts'
import { type FrameHandler, FrameReader } from '../frame-reader.ts'
import { binaryFrame, closeFrame, pongFrame, textFrame } from '../frames.ts'
import { answerUpgrade } from '../handshake.ts'
import type { Heard } from './recording.ts'

export interface EchoServer extends AsyncDisposable {
  readonly port: number
  /** What all connections were told, without the messages. */
  readonly heard: Heard[]
}

export async function startEchoServer(options: {
  readonly deflate: boolean
  readonly maxPayloadBytes?: number
}): Promise<EchoServer> {
  const server = createServer()
  const sockets = new Set<Duplex>()
  const heard: Heard[] = []
  server.on('upgrade', (request, socket: Duplex, head: Buffer) => {
    sockets.add(socket)
    socket.on('error', () => socket.destroy())
    const answer = answerUpgrade(request, options)
    if (!answer.accepted) {
      socket.end(answer.head)
      return
    }
    socket.write(answer.head)
    const limits = { maxPayloadBytes: options.maxPayloadBytes ?? 2_000_000, deflate: answer.deflate }
    const reader = new FrameReader(new Echo(socket, answer.deflate, heard), limits)
    reader.push(head)
    socket.on('data', (chunk: Buffer) => reader.push(chunk))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    port: (server.address() as AddressInfo).port,
    heard,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      await closed(server)
    },
  }
}

class Echo implements FrameHandler {
  readonly #socket: Duplex
  readonly #deflates: boolean
  readonly #heard: Heard[]

  constructor(socket: Duplex, deflates: boolean, heard: Heard[]) {
    this.#socket = socket
    this.#deflates = deflates
    this.#heard = heard
  }

  onText(text: string): void {
    this.#send(textFrame(text))
  }

  onBinary(bytes: Buffer): void {
    this.#send(binaryFrame(bytes))
  }

  onPing(payload: Buffer): void {
    this.#heard.push(['ping', payload.toString('hex')])
    this.#socket.write(pongFrame(payload))
  }

  onPong(): void {
    this.#heard.push(['pong'])
  }

  onClose(code: number, reason: string): void {
    this.#heard.push(['close', code, reason])
    this.#socket.end(closeFrame(code))
  }

  onViolation(code: number, reason: string): void {
    this.#heard.push(['violation', code, reason])
    this.#socket.end(closeFrame(code, reason))
  }

  #send(frame: Buffer): void {
    this.#socket.write(this.#deflates ? deflateFrame(frame) : frame)
  }
}

function closed(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve())
    server.closeAllConnections()
  })
}

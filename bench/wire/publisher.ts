/**
 * Publishes in the server's own process, as an application would: on a schedule that waits for nobody, or as fast as
 * the clients receive.
 */
import { createServer, type Server, type Socket } from 'node:net'
import { type Publish, postOf, sharedMicros } from './world.ts'

export interface Saturation {
  /** Events that were published and that some client has not yet received, at most. */
  readonly windowEvents: number
  /** So many are published in one turn of the event loop, at most. */
  readonly burstEvents: number
}

export interface Schedule {
  readonly room: 'workspace' | 'user'
  readonly perSecond: number
}

/**
 * A timer of Node may be late by so much in an idle process, which is no delay of the server. What is later was held
 * up by it, and counts from when it should have been published.
 */
const timerMicros = 2_000

export class Publisher {
  readonly #publish: Publish
  #published = 0
  #stop: () => void = () => undefined

  constructor(publish: Publish) {
    this.#publish = publish
  }

  get published(): number {
    return this.#published
  }

  stop(): void {
    this.#stop()
  }

  schedule({ room, perSecond }: Schedule): void {
    const began = sharedMicros()
    let timer: NodeJS.Timeout | undefined
    let count = 0
    const tick = () => {
      const now = sharedMicros()
      for (;;) {
        const due = began + (count * 1e6) / perSecond
        if (due > now) break
        this.#publishOne(room, now - due > timerMicros ? due : now)
        count += 1
      }
      const next = began + (count * 1e6) / perSecond
      timer = setTimeout(tick, Math.max(0, next - sharedMicros()) / 1_000)
    }
    tick()
    this.#stop = () => clearTimeout(timer)
  }

  /** Listens for the generator, which tells how many events the slowest of its clients has received. */
  async saturate({ windowEvents, burstEvents }: Saturation): Promise<{ readonly receiptPort: number }> {
    let received = 0
    let isStopped = false
    let isTurning = false
    const mayPublish = () => !isStopped && this.#published - received < windowEvents
    const turn = () => {
      for (let count = 0; count < burstEvents && mayPublish(); count += 1)
        this.#publishOne('workspace', sharedMicros())
      isTurning = mayPublish()
      if (isTurning) setImmediate(turn)
    }
    const server = createServer((socket) => {
      readReceipts(socket, (count) => {
        received = count
        if (!isTurning) turn()
      })
      if (!isTurning) turn()
    })
    const receiptPort = await listen(server)
    this.#stop = () => {
      isStopped = true
      server.close()
    }
    return { receiptPort }
  }

  #publishOne(room: 'workspace' | 'user', micros: number): void {
    this.#published += 1
    this.#publish(room, postOf(this.#published, Math.round(micros)))
  }
}

/** Each receipt is a line with a number; of several that came together the last one counts. */
function readReceipts(socket: Socket, receive: (count: number) => void): void {
  let rest = ''
  socket.on('error', () => undefined)
  socket.on('data', (chunk) => {
    const lines = (rest + chunk.toString('latin1')).split('\n')
    rest = lines.at(-1) ?? ''
    const last = lines.at(-2)
    if (last !== undefined) receive(Number(last))
  })
}

async function listen(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('No port.')
  return address.port
}

/**
 * The lines of clients to the server: real sockets over loopback, each client's own, so that one of them can be broken.
 *
 *   whole → cut → whole        what is open breaks, and what is new is refused
 *   whole → silent → whole     what is open stays open, and nothing comes through; after the time in which a client
 *                              has to hear a ping, it gives up the line, as `socket.io-client` does
 */
import { Agent } from 'node:http'
import { Socket } from 'node:net'

export interface Line {
  /** For a client: all its connections go through it. */
  readonly agent: Agent
  readonly state: 'whole' | 'cut' | 'silent'
  /** Its ends on the side of the client. */
  readonly sockets: ReadonlySet<Socket>
  cut(): void
  silence(): void
  mend(): void
  /** For good. */
  close(): void
}

export interface LineOptions {
  /** How long a client hears nothing before it gives up a line. */
  readonly silenceMsMax: number
  /** Runs `action` once; returns the function that ends it. */
  after(delayMs: number, action: () => void): () => void
  onOpened(socket: Socket): void
}

export function createLine({ silenceMsMax, after, onOpened }: LineOptions): Line {
  const sockets = new Set<Socket>()
  let state: Line['state'] = 'whole'
  let stopWaiting = () => {}
  const agent = new Agent({ keepAlive: true })
  const connect = agent.createConnection.bind(agent)
  agent.createConnection = (options, done) => {
    if (state === 'cut') {
      queueMicrotask(() => done?.(refused(), new Socket()))
      return undefined
    }
    const socket = connect(options) as Socket
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
    onOpened(socket)
    // Nobody is asked over a silent line, so nobody answers.
    if (state === 'silent') socket.cork()
    return socket
  }

  const destroyAll = () => {
    for (const socket of sockets) socket.destroy()
  }
  const mend = () => {
    stopWaiting()
    if (state === 'silent')
      for (const socket of sockets) {
        socket.uncork()
        socket.resume()
      }
    state = 'whole'
  }

  return {
    agent,
    sockets,
    get state() {
      return state
    },
    cut() {
      mend()
      state = 'cut'
      destroyAll()
    },
    silence() {
      mend()
      state = 'silent'
      for (const socket of sockets) {
        socket.pause()
        socket.cork()
      }
      stopWaiting = after(silenceMsMax, destroyAll)
    },
    mend,
    close() {
      stopWaiting()
      state = 'cut'
      destroyAll()
      agent.destroy()
    },
  }
}

function refused(): Error {
  return Object.assign(new Error('connect ECONNREFUSED: this line was cut'), { code: 'ECONNREFUSED' })
}

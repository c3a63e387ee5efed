/**
 * A line through the proxy, with a port of its own: whatever a client opens there leads to the server, and breaks, hangs
 * and slows down as a test says.
 *
 *   whole → cut → whole      what is open breaks, and what is new is refused
 *   whole → held → whole     what is open stays open, nothing comes through, and nobody is told; what is new hangs. After
 *                            mending, what was held comes through, as TCP sends again what was not acknowledged.
 *
 * `delay` and `throttle` go with each of these; `mend` ends everything.
 */
import { connect, createServer, type Socket } from 'node:net'
import type { Random } from '../random.ts'
import { createFlow, type Flow } from './flow.ts'

/** From the client to the server, the other way, or both ways. */
export type Direction = 'to-server' | 'to-client' | 'both'

export interface CutOptions {
  /** `reset` as when a process dies, `close` as when it goes in order; `reset` if absent. */
  readonly how?: 'reset' | 'close'
  /**
   * Who learns of it; `both` if absent. The other one keeps an end to which nothing comes any more, for good, as when a
   * phone changes its network: the server learns of it when a ping gets no answer.
   */
  readonly told?: 'both' | 'client' | 'server'
}

export interface Faults {
  /** Breaks what is open, and refuses what is new until `mend`. */
  cut(options?: CutOptions): void
  /** Nothing comes through until `mend`, and nobody is told. */
  hold(direction?: Direction): void
  /** Everything comes so much later; with jitter, up to so much more, by chance. */
  delay(options: { readonly ms: number; readonly jitterMs?: number }): void
  /** Of each connection. 0: nothing is read any more, and the sender feels that. */
  throttle(options: { readonly bytesPerSecond: number; readonly direction?: Direction }): void
  /** Ends all faults. */
  mend(): void
}

export interface FaultLine extends Faults, AsyncDisposable {
  /** The server as it is reached over this line. */
  readonly url: string
  readonly port: number
  readonly state: 'whole' | 'cut' | 'held'
  /** Open at the end of the client. */
  readonly connections: number
  /** That came through to the client. */
  readonly bytesToClient: number
  /** For good. */
  close(): Promise<void>
}

export interface FaultLineOptions {
  readonly to: URL
  readonly random: Random
}

/** Ends that nobody told of a cut; then the oldest is reset. More dead ends than that, no server keeps for one client. */
const deadEndsMax = 16

interface Connection {
  readonly near: Socket
  /** Not yet, while the line is held. */
  far: Socket | undefined
  toServer: Flow | undefined
  toClient: Flow | undefined
}

const unlimited = Number.POSITIVE_INFINITY

export async function openFaultLine({ to, random }: FaultLineOptions): Promise<FaultLine> {
  const connections = new Set<Connection>()
  const deadEnds = new Set<Socket>()
  let state: FaultLine['state'] = 'whole'
  let held: Direction = 'both'
  let delay = { ms: 0, jitterMs: 0 }
  let speed = { toServer: unlimited, toClient: unlimited }
  let bytesOfPast = 0

  const faultsOf = (direction: 'to-server' | 'to-client') => ({
    isHeld: state === 'held' && (held === 'both' || held === direction),
    delayMs: delay.ms,
    jitterMs: delay.jitterMs,
    bytesPerSecond: direction === 'to-server' ? speed.toServer : speed.toClient,
  })

  const server = createServer({ allowHalfOpen: true, noDelay: true, pauseOnConnect: true }, (near) => {
    if (state === 'cut') {
      near.resetAndDestroy()
      return
    }
    const connection: Connection = { near, far: undefined, toServer: undefined, toClient: undefined }
    connections.add(connection)
    near.on('error', () => undefined)
    near.once('close', () => endOf(connection, near))
    if (state !== 'held') lead(connection)
  })

  /** On to the server. */
  function lead(connection: Connection): void {
    const { near } = connection
    const far = connect({
      port: Number(to.port),
      host: to.hostname,
      noDelay: true,
      allowHalfOpen: true,
    })
    connection.far = far
    far.on('error', () => undefined)
    far.once('close', () => endOf(connection, far))
    connection.toServer = createFlow({ from: near, to: far, faults: () => faultsOf('to-server'), random })
    connection.toClient = createFlow({ from: far, to: near, faults: () => faultsOf('to-client'), random })
  }

  /** One end is closed: so will the other one be, and in the same way. */
  function endOf(connection: Connection, end: Socket): void {
    const { near, far } = connection
    if (!connections.has(connection)) return
    forget(connection)
    const other = end === near ? far : near
    if (other === undefined || other.destroyed) return
    if (end.errored !== null) other.resetAndDestroy()
    else other.destroySoon()
  }

  function forget(connection: Connection): void {
    connections.delete(connection)
    bytesOfPast += connection.toClient?.bytes ?? 0
    connection.toServer?.stop()
    connection.toClient?.stop()
  }

  function breakOff(connection: Connection, { how = 'reset', told = 'both' }: CutOptions): void {
    forget(connection)
    const { near, far } = connection
    for (const [end, who] of [
      [near, 'client'],
      [far, 'server'],
    ] as const) {
      if (end === undefined) continue
      if (told !== 'both' && told !== who) leaveDead(end)
      else if (how === 'reset') end.resetAndDestroy()
      else end.destroy()
    }
  }

  function leaveDead(end: Socket): void {
    end.removeAllListeners('data').removeAllListeners('end').removeAllListeners('drain')
    end.pause()
    deadEnds.add(end)
    end.once('close', () => deadEnds.delete(end))
    const [oldest] = deadEnds
    if (deadEnds.size > deadEndsMax) oldest?.resetAndDestroy()
  }

  function update(): void {
    for (const connection of connections) {
      if (connection.far === undefined && state === 'whole') lead(connection)
      connection.toServer?.update()
      connection.toClient?.update()
    }
  }

  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen({ port: 0, host: '127.0.0.1', backlog: 1_024 }, resolve)
  })
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('The line has no port.')
  const { port } = address

  const line: FaultLine = {
    url: `${to.protocol}//127.0.0.1:${port}`,
    port,
    get state() {
      return state
    },
    get connections() {
      return connections.size
    },
    get bytesToClient() {
      let sum = bytesOfPast
      for (const { toClient } of connections) sum += toClient?.bytes ?? 0
      return sum
    },
    cut(options = {}) {
      state = 'cut'
      for (const connection of [...connections]) breakOff(connection, options)
    },
    hold(direction = 'both') {
      if (state === 'cut') throw new Error('This line is cut: mend it, and then hold it.')
      state = 'held'
      held = direction
      update()
    },
    delay({ ms, jitterMs = 0 }) {
      delay = { ms: positive('ms', ms), jitterMs: positive('jitterMs', jitterMs) }
      update()
    },
    throttle({ bytesPerSecond, direction = 'both' }) {
      positive('bytesPerSecond', bytesPerSecond)
      speed = {
        toServer: direction === 'to-client' ? speed.toServer : bytesPerSecond,
        toClient: direction === 'to-server' ? speed.toClient : bytesPerSecond,
      }
      update()
    },
    mend() {
      state = 'whole'
      delay = { ms: 0, jitterMs: 0 }
      speed = { toServer: unlimited, toClient: unlimited }
      update()
    },
    async close() {
      line.cut()
      for (const end of deadEnds) end.resetAndDestroy()
      await new Promise((resolve) => server.close(resolve))
    },
    [Symbol.asyncDispose]: () => line.close(),
  }
  return line
}

function positive(name: string, value: number): number {
  if (value >= 0) return value
  throw new RangeError(`${name} is ${value}: give 0 or more.`)
}

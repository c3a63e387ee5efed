/** What a client hears: of a namespace of `@belfry/client`, or of a stock client of Socket.IO. */
import type { Live, LiveEvent } from '@belfry/client'
import type { EventMeta, NamespaceContract, realtimeNamespace } from '@belfry/contract'

export interface Heard<Data = unknown> {
  readonly data: Data
  readonly meta: EventMeta
}

export interface NamedHeard {
  readonly name: string
  readonly data: unknown
  /** Absent where a client says it of itself. */
  readonly meta: EventMeta | undefined
}

/** As much of a `Socket` of `socket.io-client` as is needed here. */
export interface StockSocket {
  readonly connected: boolean
  onAny(listener: (name: string, ...args: unknown[]) => void): unknown
  offAny(listener: (name: string, ...args: unknown[]) => void): unknown
  timeout(ms: number): { emitWithAck(name: string, ...args: unknown[]): Promise<unknown> }
  disconnect(): unknown
}

/** Somebody who hears events, whichever client it is. */
export interface Ear {
  /** For errors. */
  readonly namespace: string
  /** Every event of the namespace, in order. */
  listen(listener: (heard: NamedHeard) => void): () => void
  /** Calls back when nothing will come any more, and says why. */
  onEnd(ended: (why: string) => void): () => void
  /** To the server and back, behind everything that was sent to this client before. */
  goRound(withinMs: number): Promise<void>
}

/** What every namespace has besides its own events. */
const ownEvents = ['session:started', 'session:warning', 'session:closing', 'command:rejected']

/** A room in which nobody is: leaving it changes nothing, and is answered behind what was sent before. */
const nobodysRoom = { room: { kind: 'workspace', id: 'nobody (a round trip of a test)' } } as const

export function earOf(live: Live<NamespaceContract>, { name, events }: NamespaceContract): Ear {
  // What every namespace has, any contract can type.
  const everyNamespace = live as unknown as Live<typeof realtimeNamespace>
  return {
    namespace: name,
    listen(listener) {
      const ends = Object.keys(events)
        .concat(ownEvents)
        .map((event) =>
          live.on(event as LiveEvent<NamespaceContract>, (data: unknown, meta) =>
            listener({ name: event, data, meta }),
          ),
        )
      ends.push(live.onReset((reason) => listener({ name: 'sync:reset', data: { reason }, meta: undefined })))
      return () => {
        for (const end of ends) end()
      }
    },
    onEnd(ended) {
      const look = () => {
        const state = live.state.get()
        if (['refused', 'ended', 'closed'].includes(state.status)) ended(`it is ${JSON.stringify(state)}`)
      }
      const stop = live.state.subscribe(look)
      look()
      return stop
    },
    async goRound(withinMs) {
      const signal = AbortSignal.timeout(withinMs)
      await everyNamespace.command('room:leave', nobodysRoom, { signal, timeoutMs: Number.MAX_SAFE_INTEGER })
    },
  }
}

export function earOfStock(socket: StockSocket): Ear {
  return {
    namespace: 'a stock client',
    listen(listener) {
      const heard = (name: string, payload: unknown) => {
        const { _meta: meta, ...data } = (payload ?? {}) as { _meta: EventMeta }
        listener({ name, data, meta })
      }
      socket.onAny(heard)
      return () => {
        socket.offAny(heard)
      }
    },
    onEnd: () => () => {},
    async goRound(withinMs) {
      if (!socket.connected) throw new Error('it is not connected')
      await socket.timeout(withinMs).emitWithAck('room:leave', nobodysRoom)
    },
  }
}

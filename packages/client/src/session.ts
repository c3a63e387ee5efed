/**
 * One namespace of a client: who listens, which commands are under way, and its place on the connection. It stays when
 * the connection goes and comes. states.ts has the table of moves.
 */
import type { EventData, EventMeta, EveryNamespace } from '@belfry/contract'
import type { Socket } from 'socket.io-client'
import type { Clock } from './clock.ts'
import { type Commands, createCommands, type Line } from './commands.ts'
import type { Connection } from './connection.ts'
import { openPayload } from './payload.ts'
import type { EntryRefusal } from './refusals.ts'
import { idle, type NamespaceState, type Waiting } from './states.ts'
import { createStore, type Readable } from './store.ts'

/** Why events were missed: what the server says, or that this client itself was closed for a while. */
export type ResetReason = EventData<EveryNamespace, 'sync:reset'>['reason'] | 'closed'

export type AnyListener = (data: unknown, meta: EventMeta) => unknown

export interface Session {
  readonly state: Readable<NamespaceState>
  on(event: string, listener: AnyListener): () => void
  onReset(listener: (reason: ResetReason) => unknown): () => void
  run: Commands['run']
  /** One user more. The first one opens it. */
  use(): void
  /** One user less. The last one leaves the namespace, unless another one comes at once. */
  release(): void
}

type Goodbye = EventData<EveryNamespace, 'session:closing'>

export function createSession(
  name: string,
  connection: Connection,
  { clock, onError }: { readonly clock: Clock; readonly onError: (error: unknown) => void },
): Session {
  const state = createStore<NamespaceState>(idle, onError)
  const listeners = new Map<string, Set<{ readonly listener: AnyListener }>>()
  let users = 0
  let socket: Socket | undefined
  let isEntering = false
  let tokenShown: string | undefined
  /** It comes as somebody new: neither pid nor cursor of an earlier session go along (F15). */
  let isNew = true
  /** It was open before, for those who use it now. */
  let wasOpen = false
  let goodbye: Goodbye | undefined

  const commands = createCommands({
    clock,
    send(command, payload, onAnswer) {
      if (socket === undefined) return
      socket.emit(command, payload, onAnswer)
      // A line found dead at this moment is told so next, and commands with it: nothing may wait in the socket (F16).
      socket.sendBuffer.length = 0
    },
  })

  const entrant = {
    state,
    move(next: NamespaceState): void {
      state.set(next)
      commands.line(lines[next.status])
    },
    enter(): void {
      if (isEntering) return
      isEntering = true
      socket ??= bind()
      socket.connect()
    },
    lost(waiting: Waiting): void {
      isEntering = false
      if (goodbye?.retry === false) end()
      else entrant.move(waiting)
    },
    giveUp(): void {
      isEntering = false
      socket?.disconnect()
    },
    drop({ othersStay }: { readonly othersStay: boolean }): void {
      const left = socket
      left?.off()
      left?.offAny()
      // A stock client that goes before it was let in says nothing of it, and would be in for the server.
      if (othersStay && isEntering) left?.on('connect', () => left.disconnect())
      else left?.disconnect()
      isEntering = false
      socket = undefined
      isNew = true
    },
  }

  function bind(): Socket {
    const made = connection.socketFor(name).off()
    made.auth = (tell) => {
      tokenShown = connection.token
      const auth = { token: tokenShown, started: true }
      tell(isNew ? { ...auth, pid: undefined, offset: undefined } : auth)
    }
    made.onAny(heard)
    made.on('connect', () => {
      isEntering = false
      goodbye = undefined
      const hasMissed = isNew && wasOpen
      isNew = false
      wasOpen = true
      entrant.move({ status: 'open', recovered: made.recovered === true })
      connection.letIn()
      if (hasMissed) tell('sync:reset', { reason: 'closed' })
    })
    made.on('connect_error', (error) => {
      // While it is active, the line broke, and the connection knows already.
      if (made.active) return
      isEntering = false
      connection.refused(entrant, tokenShown, error as EntryRefusal)
    })
    made.on('disconnect', (reason) => {
      if (reason !== 'io server disconnect') return
      end()
      connection.ended()
    })
    return made
  }

  function end(): void {
    const { code, message } = goodbye ?? { code: 'disconnected', message: 'The server ended this session.' }
    entrant.move({ status: 'ended', code, message })
  }

  function heard(event: string, payload: unknown): void {
    if (typeof payload !== 'object' || payload === null) return
    const { data, meta } = openPayload(payload)
    if (event === 'session:started')
      connection.advise((data as EventData<EveryNamespace, 'session:started'>).reconnection)
    if (event === 'session:closing') {
      goodbye = data as Goodbye
      if (goodbye.retry) connection.announceClosing(goodbye)
    }
    tell(event, data, meta)
  }

  function tell(event: string, data: unknown, meta?: EventMeta): void {
    const heardBy = listeners.get(event)
    for (const entry of [...(heardBy ?? [])]) {
      if (!heardBy?.has(entry)) continue
      try {
        const result = entry.listener(data, meta as EventMeta)
        if (result instanceof Promise) result.catch(onError)
      } catch (error) {
        onError(error)
      }
    }
  }

  function on(event: string, listener: AnyListener): () => void {
    const entry = { listener }
    const own = listeners.get(event) ?? new Set()
    listeners.set(event, own.add(entry))
    return () => {
      own.delete(entry)
    }
  }

  return {
    state,
    on,
    onReset: (listener) => on('sync:reset', (data) => listener((data as { reason: ResetReason }).reason)),
    run: commands.run,
    use() {
      users += 1
      if (users === 1 && state.get().status === 'idle') connection.join(entrant)
    },
    release() {
      users -= 1
      // React's StrictMode closes and opens again within one task.
      queueMicrotask(() => {
        if (users > 0 || state.get().status === 'idle') return
        wasOpen = false
        connection.leave(entrant)
      })
    },
  }
}

const lines: Readonly<Record<NamespaceState['status'], Line>> = {
  idle: 'gone',
  opening: 'coming',
  open: 'up',
  waiting: 'down',
  refused: 'gone',
  ended: 'gone',
  closed: 'gone',
}

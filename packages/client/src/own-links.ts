/** Links over a connection of this client's own. Its place on it is an `Entrant`; states.ts has the table of moves. */
import type { EventData, EveryNamespace } from '@belfry/contract'
import type { Socket } from 'socket.io-client'
import { type Connection, type ConnectionOptions, createConnection } from './connection.ts'
import type { Hear, Links, SessionLink } from './link.ts'
import { openPayload } from './payload.ts'
import type { EntryRefusal } from './refusals.ts'
import { idle, type NamespaceState, type Waiting } from './states.ts'
import { createStore } from './store.ts'

export function createOwnLinks(options: ConnectionOptions): Links {
  const connection = createConnection(options)
  const { state, connect, close } = connection
  return {
    state,
    link: (namespace, hear) => createOwnLink(namespace, connection, hear, options),
    connect,
    close,
  }
}

type Goodbye = EventData<EveryNamespace, 'session:closing'>

function createOwnLink(
  name: string,
  connection: Connection,
  hear: Hear,
  { workspaceId, onError }: ConnectionOptions,
): SessionLink {
  const state = createStore<NamespaceState>(idle, onError)
  let socket: Socket | undefined
  let isEntering = false
  let tokenShown: string | undefined
  /** It comes as somebody new: neither pid nor cursor of an earlier session go along (F15). */
  let isNew = true
  /** It was open before, for those who use it now. */
  let wasOpen = false
  let goodbye: Goodbye | undefined

  const entrant = {
    state,
    move: state.set,
    enter(): void {
      if (isEntering) return
      isEntering = true
      socket ??= bind()
      socket.connect()
    },
    lost(waiting: Waiting): void {
      isEntering = false
      if (goodbye?.retry === false) end()
      else state.set(waiting)
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
      const auth = { token: tokenShown, workspaceId, started: true }
      tell(isNew ? { ...auth, pid: undefined, offset: undefined } : auth)
    }
    made.onAny(heard)
    made.on('connect', () => {
      isEntering = false
      goodbye = undefined
      const hasMissed = isNew && wasOpen
      isNew = false
      wasOpen = true
      state.set({ status: 'open', recovered: made.recovered === true })
      connection.letIn()
      if (hasMissed) hear('sync:reset', { reason: 'closed' })
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
    state.set({ status: 'ended', code, message })
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
    hear(event, data, meta)
  }

  return {
    state,
    open: () => connection.join(entrant),
    close() {
      wasOpen = false
      connection.leave(entrant)
    },
    send(command, payload, onAnswer) {
      if (socket === undefined) return
      socket.emit(command, payload, onAnswer)
      // A line found dead at this moment is told so next, and commands with it: nothing may wait in the socket (F16).
      socket.sendBuffer.length = 0
    },
  }
}

/** Links over a connection of this client's own. Its place on it is an `Entrant`; states.ts has the table of moves. */
import type { EventData, EveryNamespace } from '@belfry/contract'
import type { Socket } from 'socket.io-client'
import { type Connection, type ConnectionOptions, createConnection, type Goodbye } from './connection.ts'
import type { Hear, Links, SessionLink } from './link.ts'
import { openPayload } from './payload.ts'
import type { Place, Places } from './places.ts'
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

/** Neither goes along, whatever the stock client remembers (F15). */
const nowhere: Place = { pid: undefined, cursor: undefined }

function createOwnLink(
  name: string,
  connection: Connection,
  hear: Hear,
  { workspaceId, places, onError }: ConnectionOptions,
): SessionLink {
  const state = createStore<NamespaceState>(idle, onError)
  let socket: Socket | undefined
  let isEntering = false
  let tokenShown: string | undefined
  let place = nowhere
  /** Where an earlier page left it, once that was asked. */
  let taken: Promise<void> | undefined
  let attempts = 0
  /** It has asked to be let in. */
  let isShown = false
  /** It was open before, for those who use it now. */
  let wasOpen = false
  let goodbye: Goodbye | undefined

  const entrant = {
    state,
    move: state.set,
    enter(): void {
      if (isEntering) return
      isEntering = true
      isShown = false
      socket ??= bind()
      socket.connect()
    },
    lost(waiting: Waiting): void {
      isEntering = false
      attempts += 1
      if (goodbye?.retry === false) end()
      else state.set(waiting)
    },
    giveUp(): void {
      isEntering = false
      attempts += 1
      socket?.disconnect()
    },
    drop({ othersStay }: { readonly othersStay: boolean }): void {
      const left = socket
      left?.off()
      left?.offAny()
      // A stock client that goes before it was let in says nothing of it, and would be in for the server.
      if (othersStay && isEntering && isShown) left?.on('connect', () => left.disconnect())
      else left?.disconnect()
      isEntering = false
      socket = undefined
      place = nowhere
      taken = undefined
      attempts += 1
      places?.forget(name)
    },
  }

  function bind(): Socket {
    const made = connection.socketFor(name).off()
    made.auth = (tell) => {
      tokenShown = connection.token
      const show = () => {
        isShown = true
        const { pid, cursor: offset } = place
        tell({ token: tokenShown, workspaceId, started: true, pid, offset })
      }
      if (places === undefined) {
        show()
        return
      }
      attempts += 1
      const mine = attempts
      taken ??= take(places)
      taken.then(() => {
        if (mine === attempts) show()
      }, onError)
    }
    made.onAny(heard)
    made.on('connect', () => {
      isEntering = false
      goodbye = undefined
      const { pid } = place
      const hasMissed = pid === undefined && wasOpen
      const given = pidOf(made)
      const recovered = given !== undefined && given === pid
      // Without the cursor of an earlier session, which the stock client would show as if it were of this one (F4).
      if (!recovered) place = { pid: given, cursor: undefined }
      places?.began(name, place, tokenShown)
      wasOpen = true
      state.set({ status: 'open', recovered })
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
      if (goodbye?.code === 'token_expired' && connection.renew(entrant, tokenShown)) return
      end()
      connection.changed()
    })
    return made
  }

  function take(from: Places): Promise<void> {
    const asked = from.take(name, tokenShown).then((found) => {
      // Unless it was closed meanwhile: whoever comes next may be somebody else.
      if (asked === taken && found !== undefined) place = found
    })
    return asked
  }

  function stand(next: Place): void {
    place = next
    if (next.cursor !== undefined) places?.heard(name, next.cursor)
  }

  function end(): void {
    const { code, message } = goodbye ?? { code: 'disconnected', message: 'The server ended this session.' }
    places?.forget(name)
    state.set({ status: 'ended', code, message })
  }

  function heard(event: string, payload: unknown, last: unknown): void {
    if (typeof payload !== 'object' || payload === null) return
    const { data, meta } = openPayload(payload)
    note(event, data)
    const { pid } = place
    hear(event, data, meta)
    // Behind the listeners, and only if they did not close it.
    if (pid !== undefined && pid === place.pid && typeof last === 'string' && event !== 'session:started')
      stand({ pid, cursor: last })
  }

  function note(event: string, data: unknown): void {
    const now = state.get()
    if (event === 'session:started') {
      const { cursor, recovered, reconnection } = data as EventData<EveryNamespace, 'session:started'>
      connection.advise(reconnection)
      if (!recovered) stand({ ...place, cursor })
    } else if (event === 'session:closing') {
      goodbye = data as Goodbye
      if (goodbye.retry) connection.announceClosing(goodbye)
    } else if (event === 'auth:expiring' || (event === 'session:warning' && isExpiring(data)))
      connection.refresh()
    else if (now.status !== 'open' || !now.recovered) return
    else if (event === 'sync:recovered') {
      const { events: recoveredEvents } = data as EventData<EveryNamespace, 'sync:recovered'>
      state.set({ ...now, recoveredEvents })
      connection.changed()
    } else if (event === 'sync:reset') {
      state.set({ status: 'open', recovered: false })
      connection.changed()
    }
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

function isExpiring(data: unknown): boolean {
  return (data as EventData<EveryNamespace, 'session:warning'>).code === 'token_expiring'
}

/** The stock client knows it, and shows only whether it is the one it had itself. */
function pidOf(socket: Socket): string | undefined {
  return (socket as unknown as { readonly _pid?: string })._pid
}

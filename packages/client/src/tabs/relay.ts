/**
 * What the leader does for the tabs, its own among them: they use namespaces of its connection, hear what comes, and send
 * commands. A namespace is left when no tab uses it any more.
 */
import type { AnswerError, EventMeta } from '@belfry/contract'
import type { Links, SessionLink } from '../link.ts'
import type { NamespaceState } from '../states.ts'
import type { FromLeader, FromTab } from './messages.ts'
import { createRoomUsers, type RoomUsers, roomIn, roomsIn } from './room-users.ts'

export interface Relay {
  attach(tab: string, post: Post): void
  receive(tab: string, message: FromTab): void
  detach(tab: string): void
  /** Tells nobody. */
  stop(): void
}

export type Post = (message: FromLeader) => void
type Command = Extract<FromTab, { kind: 'command' }>
type Event = Extract<FromLeader, { kind: 'event' }>

interface Relayed {
  readonly name: string
  readonly link: SessionLink
  /** The tabs that use it. */
  readonly tabs: Set<string>
  /** Those that came since it was opened: what it recovered then was not missed by them. */
  readonly newcomers: Set<string>
  readonly rooms: RoomUsers
  /** The terms of the present session, for tabs that come later. */
  started: Event | undefined
  stop(): void
}

export function createRelay(links: Links, ownTab: string): Relay {
  const posts = new Map<string, Post>()
  /** Those that are used. */
  const namespaces = new Map<string, Relayed>()
  links.state.subscribe(() => {
    tell(posts.keys(), { kind: 'connection', state: links.state.get() })
  })

  /** The own tab comes last: its listeners get the object itself and may change it, the others get copies. */
  function tell(tabs: Iterable<string>, message: FromLeader): void {
    const all = [...tabs]
    for (const tab of all) if (tab !== ownTab) posts.get(tab)?.(message)
    if (all.includes(ownTab)) posts.get(ownTab)?.(message)
  }

  function open(name: string): Relayed {
    const tabs = new Set<string>()
    const newcomers = new Set<string>()
    let wasOpen = false
    const rooms = createRoomUsers()
    const link = links.link(name, (event, data, meta) => hear(relayed, event, data, meta))
    const stop = link.state.subscribe(() => {
      const state = link.state.get()
      if (state.status !== 'open') newcomers.clear()
      else if (!wasOpen && !state.recovered) rooms.clear()
      wasOpen = state.status === 'open'
      tell(newcomers, { kind: 'namespace', namespace: name, state: asNew(state) })
      const others = [...tabs].filter((tab) => !newcomers.has(tab))
      tell(others, { kind: 'namespace', namespace: name, state })
    })
    const relayed: Relayed = { name, link, tabs, newcomers, rooms, started: undefined, stop }
    namespaces.set(name, relayed)
    link.open()
    return relayed
  }

  function hear(relayed: Relayed, event: string, data: unknown, meta: EventMeta | undefined): void {
    const message: Event = { kind: 'event', namespace: relayed.name, event, data, meta }
    if (event === 'session:started') relayed.started = message
    if (event === 'room:lost') for (const room of roomsIn(data)) relayed.rooms.lose(room)
    tell(relayed.tabs, message)
  }

  function use(tab: string, name: string): void {
    const known = namespaces.get(name)
    // Who comes anew to what was refused or ended tries anew, as a tab with a connection of its own would.
    if (known !== undefined && isOver(known)) links.connect()
    const relayed = known ?? open(name)
    relayed.tabs.add(tab)
    if (isOpen(relayed)) relayed.newcomers.add(tab)
    tell([tab], { kind: 'namespace', namespace: name, state: asNew(relayed.link.state.get()) })
    tell([tab], { kind: 'connection', state: links.state.get() })
    if (relayed.started !== undefined && isOpen(relayed)) tell([tab], relayed.started)
  }

  function leave(tab: string, relayed: Relayed): void {
    if (!relayed.tabs.delete(tab)) return
    relayed.newcomers.delete(tab)
    if (relayed.tabs.size === 0) {
      namespaces.delete(relayed.name)
      relayed.stop()
      relayed.link.close()
      return
    }
    for (const room of relayed.rooms.of(tab)) {
      relayed.rooms.leave(room, tab)
      const [kind, id] = JSON.parse(room)
      if (!relayed.rooms.isNeeded(room) && isOpen(relayed))
        relayed.link.send('room:leave', { room: { kind, id } }, () => {})
    }
  }

  function command(tab: string, { namespace, id, name, payload }: Command): void {
    const relayed = namespaces.get(namespace)
    const answer = (given: unknown) => tell([tab], { kind: 'answer', namespace, id, answer: given })
    if (relayed === undefined || !relayed.tabs.has(tab) || !isOpen(relayed)) {
      // The tab knows by now, if it has not used the namespace anew since.
      answer({ ok: false, error: notOpen })
      return
    }
    const { rooms, link } = relayed
    const room = roomIn(payload)
    if (room === undefined) link.send(name, payload, answer)
    else if (name === 'room:join') {
      const isNew = rooms.enter(room, tab)
      link.send(name, payload, (given) => {
        if (isNew && (given as { ok?: boolean } | undefined)?.ok !== true) rooms.leave(room, tab)
        answer(given)
      })
    } else if (name === 'room:leave') {
      rooms.leave(room, tab)
      if (rooms.isNeeded(room)) answer({ ok: true })
      else link.send(name, payload, answer)
    } else link.send(name, payload, answer)
  }

  return {
    attach(tab, post) {
      posts.set(tab, post)
    },
    receive(tab, message) {
      if (message.kind === 'use') use(tab, message.namespace)
      else if (message.kind === 'command') command(tab, message)
      else if (message.kind === 'connect') links.connect()
      else if (message.kind === 'leave') {
        const relayed = namespaces.get(message.namespace)
        if (relayed !== undefined) leave(tab, relayed)
      }
    },
    detach(tab) {
      posts.delete(tab)
      for (const relayed of [...namespaces.values()]) leave(tab, relayed)
    },
    stop() {
      posts.clear()
      links.close()
    },
  }
}

const notOpen: AnswerError = {
  code: 'disconnected',
  message: 'There is no connection to the server.',
  retry: true,
}

/** For who has missed nothing, since it comes anew. */
function asNew(state: NamespaceState): NamespaceState {
  return state.status === 'open' ? { status: 'open', recovered: false } : state
}

const isOpen = ({ link }: Relayed) => link.state.get().status === 'open'
const isOver = ({ link }: Relayed) => ['refused', 'ended'].includes(link.state.get().status)

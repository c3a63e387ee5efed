/**
 * Links over the connection of whichever tab leads. To a session they look as if the connection were its own: the same
 * states, events and answers. When another tab takes over, they wait, open again, and say that something was missed.
 */
import type { ConnectionOptions } from '../connection.ts'
import type { Hear, Links, MakeLinks, ResetReason } from '../link.ts'
import { sentenceOf } from '../refusals.ts'
import {
  type Connecting,
  type ConnectionState,
  closed,
  idle,
  type NamespaceState,
  opening,
  type Waiting,
} from '../states.ts'
import { createStore, type Store } from '../store.ts'
import type { Locks } from './locks.ts'
import { joinTabs, type Membership } from './membership.ts'
import { type FromLeader, protocolVersion } from './messages.ts'
import type { Page } from './page.ts'

interface SharedLink {
  readonly namespace: string
  readonly state: Store<NamespaceState>
  readonly hear: Hear
  isUsed: boolean
  /** For those who use it now. */
  wasOpen: boolean
  /** To be told when it is open again. */
  missed: ResetReason | undefined
  /** The present leader knows that this tab uses it. */
  isAsked: boolean
  /** Commands on the line that is open, by number. */
  readonly answers: Map<number, (answer: unknown) => void>
}

export function createSharedLinks(
  options: ConnectionOptions,
  parts: {
    /** Who is signed in. Asked whenever this tab comes to the others. */
    readonly user: () => string
    readonly locks: Locks
    readonly page: Page
    /** Names this tab, for as long as it is among the others. */
    readonly newId: () => string
    /** The connection of a leader. */
    readonly makeLinks: (user: string) => ReturnType<MakeLinks>
  },
): Links {
  const { clock, onError, url, socket, workspaceId } = options
  const { page } = parts
  const state = createStore<ConnectionState>(idle, onError)
  /** As many as the application has contracts. */
  const links = new Map<string, SharedLink>()
  /** What the leader says of the connection. */
  let shared: ConnectionState = firstAttempt
  let membership: Membership | undefined
  let isFound = false
  let isClosed = false
  let isAway = false
  let commands = 0
  let stopPage = () => {}

  function join(): void {
    if (membership !== undefined || isAway) return
    stopPage()
    stopPage = page.watch(pageChanged)
    const user = parts.user()
    membership = joinTabs({
      ...parts,
      clock,
      onError,
      name: JSON.stringify(['belfry', protocolVersion, url, socket.path, workspaceId, user]),
      tab: parts.newId(),
      makeLinks: () => parts.makeLinks(user),
      found() {
        isFound = true
        for (const link of active()) {
          // Who heard of the one before has closed them all.
          if (!isFound) break
          use(link)
        }
      },
      lost,
      hear: heard,
    })
  }

  function part(): void {
    membership?.leave()
    membership = undefined
    isFound = false
  }

  function pageChanged(change: 'shown' | 'away' | 'back'): void {
    if (change === 'away' && !isAway) {
      isAway = true
      part()
      lost()
    } else if (change === 'back' && isAway) {
      isAway = false
      join()
    }
  }

  function use(link: SharedLink): void {
    if (link.state.get().status !== 'opening') link.state.set(opening)
    if (!isFound) return
    link.isAsked = true
    membership?.post({ kind: 'use', namespace: link.namespace })
  }

  function lost(): void {
    isFound = false
    const waiting = takingOver(clock.now())
    if (active().length > 0) shared = waiting
    else if (shared.status !== 'refused') shared = idle
    for (const link of links.values()) link.isAsked = false
    for (const link of active()) {
      if (isClosed) break
      if (link.wasOpen) link.missed = 'taken-over'
      move(link, waiting)
    }
    settle()
  }

  function heard(message: FromLeader): void {
    if (message.kind === 'connection') {
      if (!isSame(message.state, shared)) shared = message.state
      settle()
    }
    if (!('namespace' in message)) return
    const link = links.get(message.namespace)
    if (link === undefined || !link.isAsked) return
    if (message.kind === 'namespace') move(link, message.state)
    else if (message.kind === 'event') link.hear(message.event, message.data, message.meta)
    else {
      const onAnswer = link.answers.get(message.id)
      link.answers.delete(message.id)
      onAnswer?.(message.answer)
    }
  }

  function move(link: SharedLink, next: NamespaceState): void {
    // No answer comes over a line that broke.
    if (next.status !== 'open') link.answers.clear()
    else link.wasOpen = true
    if (!isSame(next, link.state.get())) link.state.set(next)
    if (link.state.get().status !== 'open' || link.missed === undefined) return
    const reason = link.missed
    link.missed = undefined
    link.hear('sync:reset', { reason })
  }

  const used = () => [...links.values()].filter(({ isUsed }) => isUsed)
  const active = () =>
    used().filter((link) => ['opening', 'open', 'waiting'].includes(link.state.get().status))

  function settle(): void {
    state.set(isClosed ? closed : used().length === 0 ? idle : shared)
  }

  function open(link: SharedLink): void {
    link.isUsed = true
    if (isClosed) {
      link.state.set(closed)
      return
    }
    link.state.set(opening)
    if (!isFound && used().length === 1 && !isAway) shared = firstAttempt
    settle()
    if (isFound) use(link)
    else join()
  }

  return {
    state,
    link(namespace, hear) {
      const link: SharedLink = {
        namespace,
        state: createStore<NamespaceState>(idle, onError),
        hear,
        isUsed: false,
        wasOpen: false,
        missed: undefined,
        isAsked: false,
        answers: new Map(),
      }
      links.set(namespace, link)
      return {
        state: link.state,
        open: () => open(link),
        close() {
          link.isUsed = false
          link.wasOpen = false
          link.missed = undefined
          if (link.isAsked) membership?.post({ kind: 'leave', namespace })
          link.isAsked = false
          move(link, idle)
          settle()
        },
        send(name, payload, onAnswer) {
          commands += 1
          link.answers.set(commands, onAnswer)
          try {
            membership?.post({ kind: 'command', namespace, id: commands, name, payload })
          } catch (error) {
            // A function, or something else of which there is no copy.
            const message = sentenceOf(error)
            onAnswer({ ok: false, error: { code: 'validation_failed', message, retry: false } })
          }
        },
      }
    },
    connect() {
      if (isClosed) {
        isClosed = false
        shared = firstAttempt
      }
      for (const link of used()) {
        if (link.isAsked || active().includes(link)) continue
        link.state.set(opening)
        if (isFound) use(link)
      }
      settle()
      if (isFound) membership?.post({ kind: 'connect' })
      else if (used().length > 0) join()
    },
    close() {
      isClosed = true
      stopPage()
      isAway = false
      part()
      for (const link of used()) {
        if (link.wasOpen) link.missed = 'closed'
        link.isAsked = false
        move(link, closed)
      }
      // Last, since whoever hears of it may connect at once.
      settle()
    },
  }
}

/** Of a copy that came from another tab. States are a few plain fields. */
const isSame = (one: object, other: object) => JSON.stringify(one) === JSON.stringify(other)

const firstAttempt: Connecting = { status: 'connecting', attempt: 1, reason: 'first' }

function takingOver(nowMs: number): Waiting {
  return {
    status: 'waiting',
    attempt: 1,
    retryAt: nowMs,
    reason: 'line_lost',
    message: 'Another tab takes the connection over.',
  }
}

/**
 * The one connection of a client, and who goes in over it: asks for tokens, connects, waits and tries again, or gives
 * up. Each namespace on it is an `Entrant`. What state the connection is in follows from theirs, see `settle`;
 * states.ts has the table of moves.
 *
 * Socket.IO's own reconnection is off: it knows nothing of tokens, and gives up what was refused for a moment only.
 */
import type { ErrorCode, EventData, EveryNamespace } from '@belfry/contract'
import { Manager, type ManagerOptions, type Socket } from 'socket.io-client'
import { backOffMs, defaultAdvice, type ReconnectionAdvice } from './back-off.ts'
import type { Clock } from './clock.ts'
import { connectedWith } from './connected.ts'
import { whenOnline } from './online.ts'
import type { Places } from './places.ts'
import { createRefresh } from './refresh.ts'
import {
  type EntryRefusal,
  isRenewable,
  passes,
  reasonOf,
  retryAfterMs,
  retryAfterOf,
  sentenceOf,
} from './refusals.ts'
import {
  type Connecting,
  type ConnectionState,
  closed,
  idle,
  type NamespaceState,
  opening,
  type TokenReason,
  type Waiting,
  type WaitReason,
} from './states.ts'
import { createStore, type Readable } from './store.ts'
import { askForToken, type TokenSource } from './token.ts'
import { watchUpgrade } from './upgrade-answer.ts'

/** What Socket.IO may be told besides: where the server lies, and how to get there. */
export type SocketOptions = Omit<
  Partial<ManagerOptions>,
  | 'autoConnect'
  | 'reconnection'
  | 'reconnectionAttempts'
  | 'reconnectionDelay'
  | 'reconnectionDelayMax'
  | 'randomizationFactor'
  | 'timeout'
>

export interface ConnectionOptions {
  readonly url: string | undefined
  readonly token: TokenSource
  readonly workspaceId: string | undefined
  /** For a token, a line, and an answer to who comes: all three together. */
  readonly connectTimeoutMs: number
  readonly socket: SocketOptions
  /** Where sessions stand beyond this page, if that is kept. */
  readonly places: Places | undefined
  readonly clock: Clock
  readonly random: () => number
  readonly onError: (error: unknown) => void
}

/** A namespace, as its connection sees it. */
export interface Entrant {
  readonly state: Readable<NamespaceState>
  move(state: NamespaceState): void
  /** Asks to be let in, as soon as the line is up. Once is enough. */
  enter(): void
  /** The line broke: it waits, unless the server had said that it is over. */
  lost(waiting: Waiting): void
  /** Nobody waits for the answer any more; it may ask again. */
  giveUp(): void
  /** Goes without a trace, and is somebody new when it comes again. */
  drop(options: { readonly othersStay: boolean }): void
}

export type Goodbye = EventData<EveryNamespace, 'session:closing'>

export interface Connection {
  readonly state: Readable<ConnectionState>
  /** Of the last token that was given. */
  readonly token: string | undefined
  socketFor(namespace: string): Socket
  join(entrant: Entrant): void
  leave(entrant: Entrant): void
  letIn(): void
  /** The token ends soon. */
  refresh(): void
  /** It was in, and the token has expired: it asks again, with a fresh one. Answers with whether there can be one. */
  renew(entrant: Entrant, token: string | undefined): boolean
  refused(entrant: Entrant, token: string | undefined, refusal: EntryRefusal): void
  /** The state of an entrant is another one now. */
  changed(): void
  advise(advice: ReconnectionAdvice): void
  /** The server said why it is about to close the line. */
  announceClosing(goodbye: Goodbye): void
  connect(): void
  close(): void
}

/** Whatever a server says, a client looks whether it is there once an hour. */
const notBeforeMsMax = 3_600_000

export function createConnection(options: ConnectionOptions): Connection {
  const { clock, random, onError } = options
  const state = createStore<ConnectionState>(idle, onError)
  const entrants = new Set<Entrant>()
  let manager: Manager | undefined
  let lineIsUp = false
  let token: string | undefined
  let advice = defaultAdvice
  /** In a row, since somebody was let in. */
  let failures = 0
  let wasIn = false
  /** The present token was asked for because the one before was refused. */
  let isRenewed = false
  let isAsking = false
  /** Answers to an earlier question are not listened to. */
  let question = 0
  let connecting: Connecting = { status: 'connecting', attempt: 1, reason: 'first' }
  let waiting: Waiting | undefined
  let goodbye: Goodbye | undefined
  /** Of the answer to a WebSocket that was refused, where that can be seen. */
  let retryAfter: string | undefined
  let stopRetry = () => {}
  let stopDeadline = () => {}

  const refresh = createRefresh({
    ask: () => askForToken(options.token, 'expiring'),
    socket: () => (lineIsUp ? manager?.socket('/auth') : undefined),
    clock,
    timeoutMs: options.connectTimeoutMs,
    onRefreshed(given) {
      token = given
      isRenewed = false
    },
  })

  function begin(reason: TokenReason): void {
    stopRetry()
    waiting = undefined
    isAsking = true
    isRenewed = reason === 'expired'
    connecting = { status: 'connecting', attempt: failures + 1, reason }
    question += 1
    const mine = question
    for (const each of entrants) if (each.state.get().status === 'waiting') each.move(opening)
    settle()
    watch()
    askForToken(options.token, reason).then(
      (given) => {
        if (mine !== question) return
        isAsking = false
        token = given
        for (const each of entrants) if (each.state.get().status === 'opening') enter(each)
      },
      (error: unknown) => {
        if (mine === question) failed('token_failed', sentenceOf(error))
      },
    )
  }

  function enter(entrant: Entrant): void {
    entrant.enter()
    if (!lineIsUp) watchUpgrade(manager, (given) => (retryAfter = given))
  }

  function watch(): void {
    stopDeadline()
    stopDeadline = clock.after(options.connectTimeoutMs, () => {
      if (isAsking) failed('token_timeout', 'There was no token in time.')
      else failed('timeout', 'The server did not answer in time.')
    })
  }

  /** Who is in stays; who is not tries again. */
  function failed(reason: WaitReason, message: string): void {
    halt()
    const next = retryLater(reason, message)
    for (const each of entrants) {
      if (each.state.get().status !== 'opening') continue
      each.giveUp()
      each.move(next)
    }
    settle()
  }

  function lost(reason: WaitReason, message: string, notBeforeMs = 0): void {
    halt()
    refresh.stop()
    waiting = undefined
    const next = retryLater(reason, message, notBeforeMs)
    for (const each of entrants) if (isActive(each)) each.lost(next)
    settle()
  }

  /** Two namespaces that have to wait wait for the same attempt. */
  function retryLater(reason: WaitReason, message: string, notBeforeMs = 0): Waiting {
    if (waiting !== undefined) return waiting
    failures += 1
    const delayMs = backOffMs(failures, advice, random, Math.min(notBeforeMs, notBeforeMsMax))
    stopRetry()
    const retry = () => begin(usualReason())
    const stops = [clock.after(delayMs, retry)]
    // A server that names a time is not there before, whatever the network does.
    if (notBeforeMs === 0) stops.push(whenOnline(retry))
    stopRetry = () => {
      for (const stop of stops) stop()
    }
    waiting = { status: 'waiting', attempt: failures, retryAt: clock.now() + delayMs, reason, message }
    return waiting
  }

  /** The attempt is over; a retry stays. */
  function halt(): void {
    question += 1
    isAsking = false
    stopDeadline()
  }

  const usualReason = (): TokenReason => (wasIn ? 'reconnect' : 'first')
  const some = (status: NamespaceState['status']) =>
    [...entrants].some((each) => each.state.get().status === status)

  /** When nobody is in or wants to be, there is nothing left to do: `otherwise` says what that is called. */
  function settle(otherwise: ConnectionState = idle): void {
    if (!some('opening')) halt()
    if (!some('waiting')) {
      stopRetry()
      waiting = undefined
    }
    const { status } = state.get()
    if (some('open')) state.set(connectedWith(entrants, state.get()))
    else if (some('opening')) state.set(connecting)
    else if (waiting !== undefined) state.set(waiting)
    else if (status !== 'closed' && status !== 'refused') {
      failures = 0
      refresh.stop()
      // Also of those who left before they were in.
      manager?._close()
      state.set(otherwise)
    }
  }

  function openManager(): Manager {
    const made = new Manager(options.url, { ...options.socket, autoConnect: false, reconnection: false })
    // The deadline covers it.
    made.timeout(false)
    made.on('open', () => {
      lineIsUp = true
    })
    made.on('error', (error) => {
      const when = retryAfter ?? retryAfterOf(error)
      retryAfter = undefined
      if (!lineIsUp) lost(reasonOf(error), sentenceOf(error), retryAfterMs(when, clock.now()))
    })
    made.on('close', (reason) => {
      lineIsUp = false
      // By ourselves: nobody was active any more.
      if (reason === 'forced close') return
      const said = goodbye
      goodbye = undefined
      lost(said?.code ?? 'line_lost', said?.message ?? reason, said?.afterMs)
    })
    return made
  }

  function join(entrant: Entrant): void {
    entrants.add(entrant)
    const now = state.get()
    if (now.status === 'idle') {
      entrant.move(opening)
      begin(usualReason())
    } else if (now.status === 'connecting' || now.status === 'connected') {
      entrant.move(opening)
      if (isAsking) return
      watch()
      enter(entrant)
    } else entrant.move(now)
  }

  const canRenew = (code: ErrorCode) => isRenewable(code) && typeof options.token === 'function'

  function refused(entrant: Entrant, usedToken: string | undefined, { message, data }: EntryRefusal): void {
    const code = data?.code ?? 'forbidden'
    const mayRenew = canRenew(code)
    // Somebody else's refusal has led to a fresh token already, or does so at this moment.
    if (mayRenew && usedToken !== token) enter(entrant)
    else if (mayRenew && !isRenewed) begin('expired')
    else if (!(mayRenew && isAsking)) {
      entrant.move(
        passes({ code, ...data }) ? retryLater(code, message) : { status: 'refused', code, message },
      )
      settle(code.startsWith('token_') ? { status: 'refused', code, message } : idle)
    }
  }

  return {
    state,
    get token() {
      return token
    },
    socketFor(namespace) {
      manager ??= openManager()
      return manager.socket(namespace)
    },
    join,
    leave(entrant) {
      entrants.delete(entrant)
      entrant.drop({ othersStay: some('open') })
      entrant.move(idle)
      settle()
    },
    letIn() {
      failures = 0
      wasIn = true
      isRenewed = false
      settle()
    },
    refresh() {
      if (typeof options.token === 'function') refresh.begin()
    },
    renew(entrant, usedToken) {
      if (!canRenew('token_expired')) return false
      entrant.move(opening)
      refused(entrant, usedToken, { data: { code: 'token_expired' } } as EntryRefusal)
      return true
    },
    refused,
    changed: () => settle(),
    advise(given) {
      advice = given
    },
    announceClosing(given) {
      goodbye = given
    },
    connect() {
      const { status } = state.get()
      if (status === 'closed' || status === 'refused') {
        wasIn = false
        failures = 0
        state.set(idle)
      }
      if (waiting !== undefined) begin(usualReason())
      for (const each of entrants) if (!isActive(each)) join(each)
    },
    close() {
      for (const each of entrants) {
        each.drop({ othersStay: false })
        each.move(closed)
      }
      halt()
      refresh.stop()
      stopRetry()
      waiting = undefined
      manager?._close()
      manager?.off()
      manager = undefined
      lineIsUp = false
      token = undefined
      goodbye = undefined
      // Last, since whoever hears of it may connect at once.
      state.set(closed)
    },
  }
}

function isActive({ state }: Entrant): boolean {
  return ['opening', 'open', 'waiting'].includes(state.get().status)
}

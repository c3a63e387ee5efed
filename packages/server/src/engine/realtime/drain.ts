/**
 * How a server that stops lets its clients go: not all in one moment, so that whoever takes them next is not run
 * over, and each told when to come back. Nobody new is let in meanwhile.
 *
 *   waits its turn → told → closed: once its commands are answered and it has read everything, or the time is over
 */
import { goodbyes } from '@belfry/contract'
import type { Clock } from '../ports/clock.ts'
import type { ConnectionState } from './connection-state.ts'
import type { Session } from './session.ts'

export interface DrainPlan {
  /** After that, whoever is left is closed as it is. Zero: everybody, at once. */
  readonly withinMs: number
  /** How long this server is away afterwards. Zero: others take its clients, which need not wait for it. */
  readonly awayMs: number
  readonly clock: Clock
}

export interface Drained {
  /** Connections that there were. */
  readonly connections: number
  /** Of these, whoever was closed with something unsaid or unread. */
  readonly late: number
}

interface DrainParts {
  readonly connections: ReadonlySet<ConnectionState>
  tell(session: Session, name: 'session:closing', data: object): void
}

/** Goodbyes are spread over this part of the time, so that there is some left for the last ones to be read. */
const spreadShare = 0.7

/** Where few are connected, it is over sooner. Most clients come back at once: so many a second disturb nobody. */
const goodbyesPerSecond = 200

/** Those that come back to a server that has just started: it takes several times as many. */
const returnsPerSecond = 2_000

/** How often it is seen who is next, and who has read everything. */
const lookMs = 20

/** What `session:closing` may say, at most. */
const afterMsMax = 3_600_000

export function drain({ connections, tell }: DrainParts, plan: DrainPlan): Promise<Drained> {
  const { clock, withinMs, awayMs } = plan
  const all = [...connections]
  const spreadMs = Math.min(withinMs * spreadShare, (all.length / goodbyesPerSecond) * 1_000)
  const returnMs = (all.length / returnsPerSecond) * 1_000
  const beganMs = clock.now()
  /** They were told. */
  const leaving = new Set<ConnectionState>()
  let told = 0
  let late = 0

  function sayGoodbye(state: ConnectionState, elapsedMs: number): void {
    const backMs = awayMs === 0 ? 0 : spreadMs - elapsedMs + awayMs
    const afterMs = Math.round(Math.min(backMs + (returnMs * told) / all.length, afterMsMax))
    const { sentence, retry } = goodbyes.shutting_down
    for (const session of state.sessions)
      tell(session, 'session:closing', { code: 'shutting_down', message: sentence, retry, afterMs })
    leaving.add(state)
  }

  function close(state: ConnectionState): void {
    leaving.delete(state)
    state.connection.close('shutting_down')
  }

  /** True when nobody is left. */
  function look(): boolean {
    const elapsedMs = clock.now() - beganMs
    const isOver = elapsedMs >= withinMs
    for (const state of leaving) {
      if (!state.isOpen) leaving.delete(state)
      else if (isQuiet(state)) close(state)
    }
    const due = isOver ? all.length : Math.ceil((all.length * elapsedMs) / Math.max(spreadMs, lookMs))
    for (const state of all.slice(told, due)) {
      sayGoodbye(state, Math.min(elapsedMs, spreadMs))
      told += 1
    }
    if (isOver) {
      for (const state of leaving) {
        if (!isQuiet(state)) late += 1
        close(state)
      }
    }
    return told >= all.length && leaving.size === 0
  }

  return new Promise((resolve) => {
    const finish = () => resolve({ connections: all.length, late })
    if (look()) {
      finish()
      return
    }
    const stop = clock.every(lookMs, () => {
      if (!look()) return
      stop()
      finish()
    })
  })
}

/** Nothing is on its way to the client, and nothing will be. */
function isQuiet({ connection, commandsRunning }: ConnectionState): boolean {
  return commandsRunning === 0 && connection.queuedBytes === 0
}

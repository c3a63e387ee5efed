/**
 * Another token for a connection that goes on: everything is asked with the new one first, and only when all of it
 * is answered, all sessions of the user change at once. What the new token does not allow any more is told and ended.
 *
 *   asked → (another question for rooms that were joined meanwhile) → in force
 */
import { errorCatalogue, type GoodbyeCode, Refusal, type Room, roomRef } from '@belfry/contract'
import type { Logger } from '../ports/logger.ts'
import type { Revocations } from '../ports/revocations.ts'
import type { Principal } from '../ports/token-verifier.ts'
import { type ConnectionState, homeRoomsOf } from './connection-state.ts'
import { refuseAnother } from './credentials.ts'
import { withinWorkspace } from './entrance.ts'
import { mayUse } from './permissions.ts'
import { type RecoveryParts, roomQuestion } from './recovery.ts'
import type { Session } from './session.ts'
import type { Users } from './users.ts'

export interface RenewalParts extends RecoveryParts {
  readonly users: Users
  readonly revocations: Revocations
  readonly logger: Logger
  tell(session: Session, name: 'room:lost', data: object): void
  disconnect(session: Session, code: GoodbyeCode): void
}

/** What the new token means for one session. */
interface Decision {
  /** `undefined`: it may not be on its namespace any more. */
  readonly principal: Principal | undefined
  readonly rooms: Map<Room, boolean>
  readonly mayBeIn: (room: Room) => Promise<boolean>
}

export class Renewal {
  readonly #parts: RenewalParts

  constructor(parts: RenewalParts) {
    this.#parts = parts
  }

  /** One after the other: of two tokens the one that was sent last holds. Refuses, and has changed nothing then. */
  renew(state: ConnectionState, principal: Principal): Promise<void> {
    const before = state.renewing ?? Promise.resolve()
    const renewed = before.then(
      () => this.#renew(state, principal),
      () => this.#renew(state, principal),
    )
    state.renewing = renewed
    const over = () => {
      if (state.renewing === renewed) state.renewing = undefined
    }
    renewed.then(over, over)
    return renewed
  }

  async #renew(state: ConnectionState, principal: Principal): Promise<void> {
    const decisions = new Map<Session, Decision>()
    // Clients may join rooms and open namespaces while it is asked; what they add is asked as well.
    for (;;) {
      refuseAnother(state, principal)
      if (this.#parts.revocations.isRevoked(principal)) throw new Refusal('token_revoked')
      const open = state.sessions.filter(({ isOpen }) => isOpen)
      const undecided = open.filter((session) => !isDecided(session, decisions.get(session)))
      if (undecided.length === 0) break
      await Promise.all(
        undecided.map(async (session) => {
          const decision = decisions.get(session) ?? (await this.#decide(session, principal))
          decisions.set(session, decision)
          if (decision.principal === undefined) return
          for (const room of session.roomNames())
            if (!decision.rooms.has(room)) decision.rooms.set(room, await decision.mayBeIn(room))
        }),
      )
    }
    for (const [session, decision] of decisions) this.#apply(session, decision)
  }

  async #decide(session: Session, given: Principal): Promise<Decision> {
    const { namespace, confinedTo } = session
    const { contract, handlers } = namespace.served
    try {
      const principal = withinWorkspace(given, confinedTo)
      if (!mayUse(principal, contract.permission)) throw new Refusal('forbidden')
      await handlers.admit?.(principal)
      const mayBeIn = roomQuestion(this.#parts, namespace, principal, homeRoomsOf(principal))
      return { principal, rooms: new Map(), mayBeIn }
    } catch (error) {
      // What passes by itself refuses the renewal; the client tries it again.
      if (!(error instanceof Refusal) || errorCatalogue[error.code].status >= 500) throw error
      return { principal: undefined, rooms: new Map(), mayBeIn: async () => false }
    }
  }

  #apply(session: Session, { principal, rooms }: Decision): void {
    const { users, tell, disconnect } = this.#parts
    if (!session.isOpen) return
    if (principal === undefined) {
      disconnect(session, 'forbidden')
      return
    }
    const siblings = session.connection.sessions.filter((other) => other !== session)
    users.remove(session, siblings)
    session.principal = principal
    users.add(session, siblings)
    const lost = [...session.roomNames()].filter((room) => rooms.get(room) === false).map(roomRef)
    for (const room of lost) {
      void session.leave(room)
      this.#tellModule(session, () => session.namespace.served.handlers.leave?.(session, room))
    }
    if (lost.length > 0) tell(session, 'room:lost', { rooms: lost })
    this.#tellModule(session, async () => {
      for (const room of homeRoomsOf(principal)) await session.namespace.join(session, room)
    })
  }

  /** What goes wrong there leaves the renewal as it is. */
  #tellModule(session: Session, work: () => unknown): void {
    const failed = (error: unknown) =>
      this.#parts.logger.error({ error, namespace: session.namespace.name }, 'a room could not be changed')
    try {
      const result = work()
      if (result instanceof Promise) result.catch(failed)
    } catch (error) {
      failed(error)
    }
  }
}

function isDecided(session: Session, decision: Decision | undefined): boolean {
  if (decision === undefined) return false
  if (decision.principal === undefined) return true
  for (const room of session.roomNames()) if (!decision.rooms.has(room)) return false
  return true
}

/**
 * The way of a command: how often, which one, may they, is it well-formed, run it, answer. Each step refuses with a
 * row of the catalogue and changes nothing; a handler that throws costs its caller an answer and nobody anything.
 */
import {
  type Answer,
  type AnswerError,
  type ErrorCode,
  errorCatalogue,
  type FieldError,
  isRoomRef,
  Refusal,
  type RoomRef,
  roomName,
} from '@belfry/contract'
import type { Awaitable } from '../awaitable.ts'
import type { RoomAuthority } from '../namespace-handlers.ts'
import type { Clock } from '../ports/clock.ts'
import type { Logger } from '../ports/logger.ts'
import type { IncomingCommand } from '../ports/transport.ts'
import type { ActivityTap } from './activity-tap.ts'
import type { CommandRate } from './command-rate.ts'
import { countError, countHandler, countOne, type EventCount } from './counters.ts'
import type { ServedCommand } from './namespace-state.ts'
import { isNobody, userOf } from './nobody.ts'
import { mayUse } from './permissions.ts'
import { keyLengthMax, RepeatedCommands } from './repeated-commands.ts'
import type { Session } from './session.ts'
import type { Suspicions } from './suspicions.ts'

export interface CommandParts {
  readonly clock: Clock
  readonly logger: Logger
  readonly rate: CommandRate
  readonly suspicions: Suspicions
  readonly tap: ActivityTap
  readonly authorities: ReadonlyMap<string, RoomAuthority>
  /** Sends an event that every namespace has, to one session. */
  tellSession(session: Session, name: 'session:warning' | 'command:rejected', data: object): void
  /** Closes everything of a user that does not stop. */
  closeAbuser(session: Session): void
}

type AnyAnswer = Answer<unknown>

export class Commands {
  readonly #parts: CommandParts
  readonly #repeated: RepeatedCommands<AnyAnswer>
  /** The last join or leave of a session and room that has not ended. */
  readonly #turns = new Map<string, Promise<AnyAnswer>>()

  constructor(parts: CommandParts) {
    this.#parts = parts
    this.#repeated = new RepeatedCommands(parts.clock)
  }

  run(session: Session, command: IncomingCommand): void {
    if (!session.isOpen) return
    const count = session.namespace.countOf(command.name)
    countOne(count, command.bytes, 0)
    let answer: Awaitable<AnyAnswer>
    try {
      answer = this.#answerOf(session, command, count)
    } catch (error) {
      answer = this.#refusalOf(session, command, error)
    }
    if (answer instanceof Promise) {
      const { connection } = session
      connection.commandsRunning += 1
      void answer
        .catch((error: unknown) => this.#refusalOf(session, command, error))
        .then((made) => this.#answer(session, command, count, made))
        .finally(() => {
          connection.commandsRunning -= 1
        })
    } else this.#answer(session, command, count, answer)
  }

  #answerOf(session: Session, command: IncomingCommand, count: EventCount): Awaitable<AnyAnswer> {
    this.#refuseTooMany(session, command.name, undefined)
    const builtIn = builtInCommands.get(command.name)
    if (isNobody(session.principal) && command.name !== 'authenticate') throw new Refusal('unauthenticated')
    if (builtIn !== undefined) return this[builtIn](session, command)
    const served = session.namespace.commands.get(command.name)
    if (served === undefined)
      throw new Refusal('unknown_command', `There is no command of this name on ${session.namespace.name}.`)
    const { contract } = served
    if (contract.ratePerSecond !== undefined)
      this.#refuseTooMany(session, command.name, contract.ratePerSecond)
    if (!mayUse(session.principal, contract.permission)) throw new Refusal('forbidden')
    const given = inputOf(command, contract.maxBytes, contract.depthMax)
    const key = keyOf(given)
    const checked = served.check(given)
    if (!checked.ok) throw new Refusal('validation_failed', undefined, { fields: checked.fields })
    if (key === undefined) return this.#handle(session, command, served, checked.value, count)
    const id = `${session.principal.userId}\n${session.namespace.name}\n${command.name}\n${key}`
    return this.#repeated.once(
      id,
      async () => this.#handle(session, command, served, checked.value, count),
      (answer) => !answer.ok && answer.error.retry,
    )
  }

  #handle(
    session: Session,
    command: IncomingCommand,
    served: ServedCommand,
    input: unknown,
    count: EventCount,
  ): Awaitable<AnyAnswer> {
    const began = performance.now()
    const done = (data: unknown): AnyAnswer => {
      countHandler(count, performance.now() - began)
      return data === undefined ? done0 : { ok: true, data }
    }
    try {
      const result = served.handle(input, { session })
      if (!(result instanceof Promise)) return done(result)
      return result.then(done, (error: unknown) => this.#refusalOf(session, command, error))
    } catch (error) {
      return this.#refusalOf(session, command, error)
    }
  }

  #answer(session: Session, command: IncomingCommand, count: EventCount, answer: AnyAnswer): void {
    const { tap } = this.#parts
    if (!answer.ok) countError(count, answer.error.code)
    if (tap.isWatched) {
      tap.tell({
        at: new Date(this.#parts.clock.now()).toISOString(),
        kind: 'command',
        namespace: session.namespace.name,
        name: count.name,
        userId: userOf(session.principal),
        bytes: command.bytes,
        ...(answer.ok ? {} : { code: answer.error.code }),
      })
    }
    if (!session.isOpen) return
    if (command.id !== undefined) this.#reply(session, command, command.id, count, answer)
    else if (!answer.ok) {
      this.#parts.tellSession(session, 'command:rejected', {
        command: shortened(command.name),
        error: answer.error,
      })
    }
  }

  #reply(session: Session, command: IncomingCommand, id: number, count: EventCount, answer: AnyAnswer): void {
    try {
      session.link.answer(id, answer)
    } catch (error) {
      // A bigint, a circle: the handler returned what no wire can carry.
      countError(count, 'internal')
      session.link.answer(id, this.#refusalOf(session, command, error))
    }
  }

  #refuseTooMany(session: Session, name: string, perSecond: number | undefined): void {
    const { rate, clock, suspicions } = this.#parts
    const { userId } = session.principal
    const who = perSecond === undefined ? userId : `${userId}\n${session.namespace.name}\n${name}`
    const verdict = rate.count(who, clock.now(), perSecond)
    if (verdict === 'accepted') return
    const detail =
      perSecond === undefined
        ? 'You send more commands than a user may in a second. Wait a second.'
        : `You send ${shortened(name)} more often than a user may in a second. Wait a second.`
    if (verdict !== 'refused') {
      suspicions.report({
        reason: verdict === 'abusive' ? 'command rate, closed' : 'command rate',
        user: userOf(session.principal),
        address: session.link.connection.remoteAddress,
        namespace: session.namespace.name,
      })
    }
    if (verdict === 'refused_with_warning')
      this.#parts.tellSession(session, 'session:warning', { code: 'too_many_requests', message: detail })
    if (verdict === 'abusive') this.#parts.closeAbuser(session)
    throw new Refusal('too_many_requests', detail)
  }

  #refusalOf(session: Session, command: IncomingCommand, error: unknown): AnyAnswer {
    if (error instanceof Refusal) {
      if (suspicious.has(error.code)) {
        this.#parts.suspicions.report({
          reason: error.code,
          user: userOf(session.principal),
          address: session.link.connection.remoteAddress,
          namespace: session.namespace.name,
          name: shortened(command.name),
        })
      }
      return { ok: false, error: answerError(error) }
    }
    this.#parts.logger.error(
      { error, namespace: session.namespace.name, command: shortened(command.name) },
      'command failed',
    )
    return {
      ok: false,
      error: answerError(new Refusal('internal', 'Something went wrong on our side. It was logged.')),
    }
  }

  async joinRoom(session: Session, command: IncomingCommand): Promise<AnyAnswer> {
    const room = roomOf(command)
    return this.#inTurn(session, room, async () => {
      await this.#authorise(session, room)
      if (!session.isOpen) throw new Refusal('disconnected')
      const wasIn = session.isIn(room)
      const joined = session.join(room)
      const position = session.namespace.cursor
      await joined
      if (!wasIn) await this.#tellJoined(session, room)
      return { ok: true, data: { position } }
    })
  }

  /** Where the module fails or refuses after all, the client is not in the room: a refusal changes nothing. */
  async #tellJoined(session: Session, room: RoomRef): Promise<void> {
    try {
      await session.namespace.served.handlers.join?.(session, room)
    } catch (error) {
      void session.leave(room)
      throw error
    }
  }

  async leaveRoom(session: Session, command: IncomingCommand): Promise<AnyAnswer> {
    const room = roomOf(command)
    this.#authorityOf(room)
    return this.#inTurn(session, room, async () => {
      const wasIn = session.isIn(room)
      await session.leave(room)
      if (!wasIn) return done0
      await session.namespace.served.handlers.leave?.(session, room)
      return done0
    })
  }

  /**
   * Joins and leaves of one room take effect in the order in which a client sent them: one that leaves while it is
   * still being decided whether it may join is outside in the end.
   */
  async #inTurn(session: Session, room: RoomRef, run: () => Promise<AnyAnswer>): Promise<AnyAnswer> {
    const key = `${session.id}\n${roomName(room)}`
    const turn = this.#turns.get(key)?.then(run, run) ?? run()
    this.#turns.set(key, turn)
    try {
      return await turn
    } finally {
      if (this.#turns.get(key) === turn) this.#turns.delete(key)
    }
  }

  async #authorise({ principal }: Session, room: RoomRef): Promise<void> {
    if (!(await this.#authorityOf(room).mayJoin(principal, room.id)))
      throw new Refusal('forbidden', 'You may not be in this room.')
  }

  /** Rooms of a kind that nobody owns, such as that of everyone, are none that a client enters or leaves. */
  #authorityOf({ kind }: RoomRef): RoomAuthority {
    const authority = this.#parts.authorities.get(kind)
    if (authority === undefined) throw new Refusal('unknown_room')
    return authority
  }
}

const done0: AnyAnswer = { ok: true } as AnyAnswer

const builtInCommands: ReadonlyMap<string, 'joinRoom' | 'leaveRoom'> = new Map([
  ['room:join', 'joinRoom'],
  ['room:leave', 'leaveRoom'],
])

/** Refusals that honest clients rarely get. */
const suspicious: ReadonlySet<ErrorCode> = new Set([
  'forbidden',
  'validation_failed',
  'unknown_command',
  'unknown_room',
  'payload_too_large',
])

function inputOf(command: IncomingCommand, bytesMax: number, depthMax: number): unknown {
  if (command.bytes > bytesMax)
    throw new Refusal('payload_too_large', `This command may have ${bytesMax} bytes.`)
  if (command.args.length > 1) throw wrongInput('', 'A command has one argument: an object.')
  if (command.depth > depthMax) throw wrongInput('', `Objects and lists may lie ${depthMax} levels deep.`)
  return command.args[0] ?? {}
}

/** The rooms of a command are few and small. */
const roomCommandBytesMax = 1_024

function roomOf(command: IncomingCommand): RoomRef {
  const input = inputOf(command, roomCommandBytesMax, 2)
  const room = typeof input === 'object' && input !== null && 'room' in input ? input.room : undefined
  if (!isRoomRef(room))
    throw wrongInput('room', 'must be { kind, id }, such as { "kind": "episode", "id": "7" }')
  return { kind: room.kind, id: room.id }
}

function keyOf(input: unknown): string | undefined {
  if (typeof input !== 'object' || input === null || !('_meta' in input)) return undefined
  const meta = input._meta
  if (typeof meta !== 'object' || meta === null || !('key' in meta)) return undefined
  if (typeof meta.key === 'string' && meta.key.length > 0 && meta.key.length <= keyLengthMax) return meta.key
  throw wrongInput('_meta.key', `must be a text of 1 to ${keyLengthMax} characters`)
}

function wrongInput(path: string, message: string): Refusal {
  const fields: readonly FieldError[] = [{ path, message }]
  return new Refusal('validation_failed', undefined, { fields })
}

export function answerError(refusal: Refusal): AnswerError {
  const { code, message, fields } = refusal
  const { retry } = errorCatalogue[code]
  return { code, message, retry, ...(fields === undefined ? {} : { fields }) }
}

/** A name from outside, for a log or an answer. */
function shortened(name: string): string {
  return name.length <= 64 ? name : `${name.slice(0, 64)}…`
}

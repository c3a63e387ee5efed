/**
 * Commands of one namespace, from the call to the answer.
 *
 *   given → sent → answered          the line is up
 *   given → waiting → sent           the line comes up; those with a key wait also while it is down
 *   sent → waiting                   the line broke: only with a key, since it may have run already
 *   any → rejected                   refused, too late, given up, no line
 */
import type { Answer, AnswerError } from '@belfry/contract'
import type { Clock } from './clock.ts'
import { CommandError } from './command-error.ts'
import { withBytes } from './payload.ts'
import { randomKey } from './random-key.ts'
import { createStore, type Readable } from './store.ts'

export interface CommandOptions {
  /** 10 seconds without a key, a minute with one. With one it also ends 4 minutes after it was sent for the first time. */
  readonly timeoutMs?: number
  /** Gives it a key of its own: it waits for a line, is sent again when that breaks, and runs once. */
  readonly repeat?: boolean
  /** A command that comes again with the same key runs once. With a key it outlasts a cut of the line. */
  readonly key?: string
  /** Gives it up: the promise rejects with the signal's reason. What was sent may run all the same. */
  readonly signal?: AbortSignal
}

/** One that is not on its way: there is no line, or others come first. */
export interface WaitingCommand {
  readonly name: string
  readonly input: object
  /** Without one it waits only for a line that comes for the first time. */
  readonly key: string | undefined
  /** When it was given, in milliseconds since 1970. */
  readonly since: number
}

/** What can be hoped for: it is up, it may soon be, it was lost and comes back, it does not come back. */
export type Line = 'up' | 'coming' | 'down' | 'gone'

export interface Commands {
  run(name: string, input: object | undefined, options?: CommandOptions): Promise<unknown>
  /** In the order in which they will be sent. */
  readonly waiting: Readable<readonly WaitingCommand[]>
  /** What became of the line. */
  line(now: Line): void
}

/** Of one namespace. Who gives more while nothing can be sent has to wait. */
export const waitingMax = 100
/** A server counts commands by the second, and takes 20 of a user by default: what has gathered leaves in portions. */
export const portion = 10
export const portionEveryMs = 1_000
const timeoutMsDefault = 10_000
const keyedTimeoutMsDefault = 60_000
/** The server knows a key for 5 minutes; sent again after that, the command would run twice. */
const keyedMsMax = 240_000
/** Longer than any page lives, and about the longest that timers know. */
const timeoutMsMax = 2 ** 31 - 1

interface Command {
  readonly given: WaitingCommand
  readonly payload: object
  readonly hasKey: boolean
  /** On the line that is up now. */
  sent: boolean
  /** The first time. */
  onSent(): void
  reject(error: unknown): void
  answer(answer: unknown): void
}

export function createCommands(parts: {
  readonly clock: Clock
  readonly onError: (error: unknown) => void
  send(name: string, payload: object, onAnswer: (answer: unknown) => void): void
}): Commands {
  const { clock, send } = parts
  /** In the order in which they were given. */
  const commands = new Set<Command>()
  let line: Line = 'gone'
  const waiting = createStore<readonly WaitingCommand[]>([], parts.onError)
  let stopPacing: (() => void) | undefined

  function pump(): void {
    if (line !== 'up' || stopPacing !== undefined) return
    const due = unsent()
    for (const command of due.slice(0, portion)) {
      command.sent = true
      command.onSent()
      send(command.given.name, command.payload, command.answer)
    }
    if (due.length > portion)
      stopPacing = clock.after(portionEveryMs, () => {
        stopPacing = undefined
        pump()
        show()
      })
  }

  function show(): void {
    const before = waiting.get()
    const now = unsent().map(({ given }) => given)
    if (now.length !== before.length || now.some((each, index) => each !== before[index])) waiting.set(now)
  }

  const unsent = () => [...commands].filter(({ sent }) => !sent)

  return {
    waiting,
    run(name, input = {}, { key: ownKey, repeat = false, signal, timeoutMs } = {}) {
      const key = ownKey ?? (repeat ? randomKey() : undefined)
      const hasKey = key !== undefined
      if (signal?.aborted) return Promise.reject(signal.reason)
      if (line === 'gone' || (line === 'down' && !hasKey)) return Promise.reject(disconnected(line))
      if (unsent().length >= waitingMax)
        return Promise.reject(failure('too_many_requests', `${waitingMax} commands wait already.`, true))
      return new Promise((resolve, reject) => {
        const end = () => {
          commands.delete(command)
          stopTimer()
          stopKey?.()
          signal?.removeEventListener('abort', abort)
          show()
        }
        const command: Command = {
          given: { name, input, key, since: clock.now() },
          payload: hasKey ? { ...input, _meta: { key } } : input,
          hasKey,
          sent: false,
          onSent() {
            if (hasKey && waitMs > keyedMsMax) stopKey ??= tooLate(keyedMsMax)
          },
          reject(error) {
            end()
            reject(error)
          },
          answer(given) {
            // It was given up meanwhile.
            if (!commands.has(command)) return
            end()
            const answer = given as Answer<unknown> | undefined
            if (answer?.ok) resolve(withBytes(answer.data))
            else reject(new CommandError(answer?.error ?? notUnderstood))
          },
        }
        const abort = () => command.reject(signal?.reason)
        signal?.addEventListener('abort', abort)
        const tooLate = (waitMs: number) =>
          clock.after(waitMs, () =>
            command.reject(failure('timeout', `No answer to ${name} within ${waitMs} ms.`, true)),
          )
        const waitMs = timeoutMs ?? (hasKey ? keyedTimeoutMsDefault : timeoutMsDefault)
        const stopTimer = tooLate(Math.min(waitMs, timeoutMsMax))
        let stopKey: (() => void) | undefined
        commands.add(command)
        pump()
        show()
      })
    },
    line(now) {
      if (now === line) return
      line = now
      if (now !== 'up') {
        stopPacing?.()
        stopPacing = undefined
      }
      for (const command of commands) {
        const isLost = now === 'down' || command.sent
        if (now === 'gone' || (isLost && !command.hasKey)) command.reject(disconnected(now))
        else command.sent = false
      }
      pump()
      show()
    },
  }
}

const notUnderstood: AnswerError = {
  code: 'internal',
  message: 'The answer was not understood.',
  retry: false,
}

function disconnected(line: Line): CommandError {
  return failure('disconnected', 'There is no connection to the server.', line !== 'gone')
}

function failure(code: AnswerError['code'], message: string, retry: boolean): CommandError {
  return new CommandError({ code, message, retry })
}

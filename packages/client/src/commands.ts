/**
 * Commands of one namespace, from the call to the answer.
 *
 *   given → sent → answered          the line is up
 *   given → waiting → sent           the line comes up, and for those with a key also while it is down
 *   sent → waiting                   the line broke: only with a key, since it may have run already
 *   any → rejected                   refused, too late, given up, no line
 */
import type { Answer, AnswerError } from '@belfry/contract'
import type { Clock } from './clock.ts'
import { CommandError } from './command-error.ts'
import { withBytes } from './payload.ts'

export interface CommandOptions {
  /** 10 seconds without a key, a minute with one, and never more than 4 minutes with one. */
  readonly timeoutMs?: number
  /** A command that comes again with the same key runs once. With a key it outlasts a cut of the line. */
  readonly key?: string
  /** Gives it up: the promise rejects with the signal's reason. What was sent may run all the same. */
  readonly signal?: AbortSignal
}

/** What can be hoped for: it is up, it may soon be, it was lost and comes back, it does not come back. */
export type Line = 'up' | 'coming' | 'down' | 'gone'

export interface Commands {
  run(name: string, input: object | undefined, options?: CommandOptions): Promise<unknown>
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
const keyedTimeoutMsMax = 240_000

interface Command {
  readonly name: string
  readonly payload: object
  readonly hasKey: boolean
  /** On the line that is up now. */
  sent: boolean
  reject(error: unknown): void
  answer(answer: unknown): void
}

export function createCommands(parts: {
  readonly clock: Clock
  send(name: string, payload: object, onAnswer: (answer: unknown) => void): void
}): Commands {
  const { clock, send } = parts
  /** In the order in which they were given. */
  const commands = new Set<Command>()
  let line: Line = 'gone'
  let stopPacing: (() => void) | undefined

  function pump(): void {
    if (line !== 'up' || stopPacing !== undefined) return
    const waiting = unsent()
    for (const command of waiting.slice(0, portion)) {
      command.sent = true
      send(command.name, command.payload, command.answer)
    }
    if (waiting.length > portion)
      stopPacing = clock.after(portionEveryMs, () => {
        stopPacing = undefined
        pump()
      })
  }

  const unsent = () => [...commands].filter(({ sent }) => !sent)

  return {
    run(name, input = {}, { key, signal, timeoutMs } = {}) {
      const hasKey = key !== undefined
      if (signal?.aborted) return Promise.reject(signal.reason)
      if (line === 'gone' || (line === 'down' && !hasKey)) return Promise.reject(disconnected(line))
      if (unsent().length >= waitingMax)
        return Promise.reject(failure('too_many_requests', `${waitingMax} commands wait already.`, true))
      return new Promise((resolve, reject) => {
        const end = () => {
          commands.delete(command)
          stopTimer()
          signal?.removeEventListener('abort', abort)
        }
        const command: Command = {
          name,
          payload: hasKey ? { ...input, _meta: { key } } : input,
          hasKey,
          sent: false,
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
        const waitMs = hasKey
          ? Math.min(timeoutMs ?? keyedTimeoutMsDefault, keyedTimeoutMsMax)
          : (timeoutMs ?? timeoutMsDefault)
        const stopTimer = clock.after(waitMs, () =>
          command.reject(failure('timeout', `No answer to ${name} within ${waitMs} ms.`, true)),
        )
        commands.add(command)
        pump()
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
        if (now === 'gone' || (now === 'down' && !command.hasKey)) command.reject(disconnected(now))
        else if (now === 'down') command.sent = false
      }
      pump()
    },
  }
}

const notUnderstood: AnswerError = {
  code: 'internal',
  message: 'The answer was not understood.',
  retry: false,
}

function disconnected(line: Line): CommandError {
  return failure('disconnected', 'There is no connection to the server.', line === 'down')
}

function failure(code: AnswerError['code'], message: string, retry: boolean): CommandError {
  return new CommandError({ code, message, retry })
}

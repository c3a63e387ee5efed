/**
 * Processes of this bench call each other's functions over the channel that Node gives a child. Each server and the
 * generator run in a process of their own, on a core of their own where there are two.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import os from 'node:os'
import { basename, extname } from 'node:path'

/** Functions of one argument, which travels as a structured clone, as does what they return. */
export type Calls = Readonly<Record<string, (argument: never) => unknown>>

type ArgumentOf<F> = F extends (argument: infer A) => unknown ? A : never
type ResultOf<F> = F extends (argument: never) => infer R ? Awaited<R> : never

export interface Child<C> {
  readonly pid: number | undefined
  call<Name extends keyof C & string>(name: Name, argument: ArgumentOf<C[Name]>): Promise<ResultOf<C[Name]>>
  stop(): Promise<void>
  readonly process: ChildProcess
}

interface Question {
  readonly id: number
  readonly name: string
  readonly argument: unknown
}
type Answer =
  | { readonly id: number; readonly result: unknown }
  | { readonly id: number; readonly error: string }

/** In the child: answers until the parent goes away. */
export function answerCalls(calls: Calls): void {
  process.on('message', async ({ id, name, argument }: Question) => {
    try {
      send({ id, result: await calls[name]?.(argument as never) })
    } catch (error) {
      send({ id, error: error instanceof Error ? (error.stack ?? error.message) : String(error) })
    }
  })
  process.on('disconnect', () => process.exit())
  send({ id: 0, result: 'ready' })
}

function send(answer: Answer): void {
  process.send?.(answer)
}

export interface ChildOptions {
  /** The one it stays on, if this machine can do that; any if absent. */
  readonly core?: number
  readonly nodeOptions?: readonly string[]
  /** Arguments of its own. */
  readonly words?: readonly string[]
  /** Instead of that of this process. */
  readonly environment?: NodeJS.ProcessEnv
}

/** `path`: of a file that calls `answerCalls`. */
export async function startChild<C extends Calls>(
  path: string,
  options: ChildOptions = {},
): Promise<Child<C>> {
  const { core, nodeOptions = [], words = [], environment } = options
  const file = basename(path)
  // In the repository, packages are run from their sources.
  const conditions = extname(path) === '.ts' ? ['--conditions=source'] : []
  const command = [process.execPath, ...conditions, ...nodeOptions, path, ...words]
  const pinned =
    isPinned && core !== undefined ? ['taskset', '--cpu-list', String(core), ...command] : command
  const child = spawn(pinned[0] as string, pinned.slice(1), {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    serialization: 'advanced',
    ...(environment === undefined ? {} : { env: environment }),
  })
  const waiting = new Map<number, PromiseWithResolvers<unknown>>()
  const ready = Promise.withResolvers<unknown>()
  waiting.set(0, ready)
  let count = 0
  child.on('message', (answer: Answer) => {
    const asked = waiting.get(answer.id)
    waiting.delete(answer.id)
    if ('error' in answer) asked?.reject(new Error(`${file}: ${answer.error}`))
    else asked?.resolve(answer.result)
  })
  child.on('exit', () => {
    for (const asked of waiting.values()) asked.reject(new Error(`${file} ended before it answered.`))
  })
  await ready.promise
  return {
    pid: child.pid,
    call(name, argument) {
      count += 1
      const asked = Promise.withResolvers<unknown>()
      waiting.set(count, asked)
      const question: Question = { id: count, name, argument }
      child.send(question, (error) => {
        if (error !== null) asked.reject(new Error(`${file} is gone: ${error.message}`))
      })
      return asked.promise as Promise<never>
    },
    stop: () => stop(child),
    process: child,
  }
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  // Without its channel, a child does not tell `close`.
  const ended = once(child, 'exit')
  const impatience = setTimeout(() => child.kill('SIGKILL'), goodbyeMs)
  if (child.connected) child.disconnect()
  await ended
  clearTimeout(impatience)
}

/** A profile is written within that. */
const goodbyeMs = 15_000

/** Server and generator would take the core from each other, and from themselves by moving. */
export const isPinned =
  os.cpus().length > 1 && spawnSync('taskset', ['--cpu-list', '0,1', 'true']).status === 0

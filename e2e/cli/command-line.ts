/** The command line as an operator or a script calls it: words in, two streams and a code out. */
import { type ChildProcess, spawn } from 'node:child_process'
import { join } from 'node:path'
import { expect } from 'vitest'
import { repository } from '../product.ts'

const command = join(repository, 'packages', 'server', 'dist', 'cli', 'main.js')

export interface CallOptions {
  readonly environment?: Record<string, string>
  /** A program and its options in front of the call, such as a shell that puts it into a pipe. */
  readonly wrapper?: readonly string[]
  /** What comes in through standard input; it ends after that. */
  readonly input?: Buffer
}

export interface Answer {
  /** Exit code, or name of the signal that ended it. */
  readonly code: number | NodeJS.Signals
  readonly bytes: Buffer
  readonly stdout: string
  readonly stderr: string
}

export interface Call {
  readonly process: ChildProcess
  readonly ended: Promise<Answer>
}

/** Longer than any call takes, shorter than a test may: what hangs is named. */
const patienceMs = 60_000

export function begin(words: readonly string[], options: CallOptions = {}): Call {
  const [program = '', ...rest] = [...(options.wrapper ?? []), process.execPath, command, ...words]
  const child = spawn(program, rest, {
    cwd: '/',
    stdio: 'pipe',
    timeout: patienceMs,
    killSignal: 'SIGKILL',
    env: {
      PATH: process.env['PATH'],
      HOME: '/nonexistent',
      XDG_CACHE_HOME: join(repository, 'node_modules', '.cache'),
      PORT: '0',
      ...options.environment,
    },
  })
  const output: Buffer[] = []
  let stderr = ''
  child.stdout.on('data', (chunk: Buffer) => output.push(chunk))
  child.stderr.on('data', (chunk: Buffer) => {
    stderr += chunk.toString()
  })
  // Who does not read its input to the end is not wrong.
  child.stdin.on('error', () => undefined)
  if (options.input !== undefined) child.stdin.end(options.input)
  const ended = new Promise<Answer>((resolve) => {
    child.once('close', (code, signal) => {
      const bytes = Buffer.concat(output)
      resolve({ code: signal ?? code ?? 1, bytes, stdout: bytes.toString(), stderr })
    })
  })
  return { process: child, ended }
}

/** Calls it and waits for the end, with nothing on its standard input unless given. */
export function belfry(words: readonly string[], options: CallOptions = {}): Promise<Answer> {
  return begin(words, { input: Buffer.alloc(0), ...options }).ended
}

/** Calls what has to succeed. */
export async function mustSucceed(words: readonly string[], options: CallOptions = {}): Promise<Answer> {
  const answer = await belfry(words, options)
  expect(answer.code, `belfry ${words.join(' ')}: ${answer.stderr}`).toBe(0)
  expectNoStack(answer)
  return answer
}

/** Calls what has to be refused: one sentence on standard error, no stack, nothing else. Returns the sentence. */
export async function mustRefuse(
  words: readonly string[],
  options: CallOptions & { readonly code?: number } = {},
): Promise<string> {
  const answer = await belfry(words, options)
  expect(answer.code, `belfry ${words.join(' ')}: ${answer.stdout}${answer.stderr}`).toBe(options.code ?? 1)
  expectSentence(answer.stderr)
  return answer.stderr.trim()
}

export function expectSentence(said: string): void {
  expectNoStack({ stdout: '', stderr: said })
  expect(said.trim().split('\n'), said).toHaveLength(1)
  expect(said).toMatch(/^✖ \S/)
}

export function expectNoStack({ stdout, stderr }: Pick<Answer, 'stdout' | 'stderr'>): void {
  const said = `${stdout}${stderr}`
  for (const trace of [/^\s+at /m, /node:events/, /Unhandled/, /defect worth reporting/, /\[object /])
    expect(said).not.toMatch(trace)
}

/** A shell that gives the call's output to `reader`, and adds the call's own code to standard error. */
export function into(reader: string): string[] {
  return ['sh', '-c', `{ "$@"; echo "code $?" >&2; } | ${reader}`, 'sh']
}

/**
 * A program in front of the call that sees an empty file system of `size` at `directory`. `before` and `after` are
 * commands of a shell in there.
 */
export function memoryMount(directory: string, size: string, before: string, after: string): string[] {
  const unshare = process.getuid?.() === 0 ? ['unshare'] : ['unshare', '--user', '--map-root-user']
  const mount = `mount -t tmpfs -o size=${size} tmpfs '${directory}'`
  return [
    ...unshare,
    '--mount',
    ...['sh', '-c', `${mount} && ${before} || exit 99; "$@"; code=$?; ${after}; exit $code`, 'sh'],
  ]
}

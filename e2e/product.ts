/** The built product, run as its users run it: a process, its output, its signals. */
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process'
import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export const repository = join(import.meta.dirname, '..')
const command = join(repository, 'packages', 'server', 'dist', 'cli', 'main.js')

export interface ProductOptions {
  /** Absent: one whose database has its tables, and which goes away with `stop`. */
  readonly dataDirectory?: string
  readonly environment?: Record<string, string>
  /** Program and options in front of the server's own, such as `unshare`. */
  readonly wrapper?: readonly string[]
  readonly spawnAs?: { readonly uid: number; readonly gid: number }
  /** What starts it instead of the command line: a program that hosts it. */
  readonly host?: string
  /** Another copy of the repository. */
  readonly repository?: string
  readonly node?: string
}

export interface Product {
  readonly url: string
  readonly signInLink: string
  readonly dataDirectory: string
  readonly process: ChildProcess
  output(): string
  /** Resolves with exit code or signal name. */
  readonly ended: Promise<number | NodeJS.Signals>
  /** Asks it to stop, waits, and removes a data directory that was made for it. */
  stop(): Promise<void>
}

/** Starts the product and waits until it says that it is ready; rejects with what it said when it ended before. */
export async function startProduct(options: ProductOptions = {}): Promise<Product> {
  const ownDirectory = options.dataDirectory === undefined
  const dataDirectory = options.dataDirectory ?? migratedDirectory()
  const child = spawnProduct({ ...options, dataDirectory })
  let output = ''
  const ended = new Promise<number | NodeJS.Signals>((resolve) => {
    child.once('close', (code, signal) => resolve(signal ?? code ?? 1))
  })
  const ready = Promise.withResolvers<{ url: string; signInLink: string }>()
  const read = (chunk: Buffer) => {
    output += chunk.toString()
    const url = /Address\s+(\S+)/.exec(output)?.[1]
    const signInLink = /Sign in\s+(\S+)/.exec(output)?.[1]
    if (url !== undefined && signInLink !== undefined && output.includes('Ctrl-C'))
      ready.resolve({ url, signInLink })
  }
  child.stdout?.on('data', read)
  child.stderr?.on('data', read)
  void ended.then((how) =>
    ready.reject(new Error(`The product ended (${how}) before it was ready:\n${output}`)),
  )
  const { url, signInLink } = await ready.promise.catch((error: unknown) => {
    if (ownDirectory) rmSync(dataDirectory, { recursive: true, force: true })
    throw error
  })
  return {
    url,
    signInLink,
    dataDirectory,
    process: child,
    output: () => output,
    ended,
    async stop() {
      if (child.exitCode === null && child.signalCode === null) child.kill('SIGTERM')
      await ended
      if (ownDirectory) rmSync(dataDirectory, { recursive: true, force: true })
    },
  }
}

export interface Ended {
  readonly code: number | null
  readonly output: string
}

/** Runs a command of the product to its end. */
export function runProduct(
  words: readonly string[],
  options: ProductOptions & { dataDirectory: string },
): Ended {
  const { program, args, settings } = invocation(words, options)
  const { status, stdout, stderr } = spawnSync(program, args, {
    ...settings,
    encoding: 'utf8',
    timeout: 60_000,
  })
  return { code: status, output: `${stdout}${stderr}` }
}

export function spawnProduct(options: ProductOptions & { dataDirectory: string }): ChildProcess {
  const { program, args, settings } = invocation(['start', '--link'], options)
  return spawn(program, args, { ...settings, stdio: ['ignore', 'pipe', 'pipe'] })
}

export function temporaryDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'belfry-e2e-'))
  // Under root, PostgreSQL runs as somebody else, who has to pass through.
  if (process.getuid?.() === 0) chmodSync(directory, 0o711)
  return directory
}

/** Where e2e/migrated-data.ts has put it, for the processes of the tests. */
export const migratedDataVariable = 'BELFRY_TEST_MIGRATED_DATA'

/** A data directory for a server that is not started for the first time. */
export function migratedDirectory(path = temporaryDirectory()): string {
  const migrated = process.env[migratedDataVariable]
  // With owners and modes: PostgreSQL looks at them.
  if (migrated !== undefined) execFileSync('cp', ['-a', `${migrated}/.`, path])
  return path
}

function invocation(words: readonly string[], options: ProductOptions & { dataDirectory: string }) {
  const node = options.node ?? process.execPath
  const main = options.repository === undefined ? command : command.replace(repository, options.repository)
  const started = options.host === undefined ? [main, ...words] : [options.host]
  const [program = node, ...args] = [...(options.wrapper ?? []), node, ...started]
  return {
    program,
    args,
    settings: {
      ...options.spawnAs,
      cwd: '/',
      env: {
        PATH: process.env['PATH'] ?? '',
        HOME: options.dataDirectory,
        // Compiled code is kept from one start to the next, and not among the data.
        XDG_CACHE_HOME: join(repository, 'node_modules', '.cache'),
        PORT: '0',
        LOG_LEVEL: 'warn',
        RATE_LIMIT_MAX_REQUESTS: '100000',
        // So few that no system's limit of open files is a reason to warn.
        MAX_SOCKET_CONNECTIONS: '1000',
        BELFRY_DATA_DIR: options.dataDirectory,
        ...options.environment,
      },
    },
  }
}

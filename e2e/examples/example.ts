/** A program of `examples`, run as its readers run it: a process in its folder, its output, its signals. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, rmSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { join } from 'node:path'
import { expect } from 'vitest'
import { repository, temporaryDirectory } from '../product.ts'

export interface Program {
  readonly process: ChildProcess
  output(): string
  /** Resolves with exit code or signal name. */
  readonly ended: Promise<number | NodeJS.Signals>
  /** Resolves with what `pattern` found in the output; rejects with the output when the program ended before. */
  says(pattern: RegExp): Promise<RegExpExecArray>
}

export interface Host extends Program {
  readonly url: string
  readonly dataDirectory: string
  /** As `systemctl stop` does; sees that it ended well and that nothing of it is left. */
  stop(): Promise<void>
}

export async function startHost(
  example: string,
  dataDirectory: string,
  environment: Record<string, string> = {},
): Promise<Host> {
  const port = environment['APP_PORT'] ?? (await freePort())
  const program = runProgram(example, ['server.ts'], {
    BELFRY_DATA_DIR: dataDirectory,
    PORT: '0',
    APP_PORT: port,
    LOG_LEVEL: 'warn',
    MAX_SOCKET_CONNECTIONS: '1000',
    ...environment,
  })
  await program.says(new RegExp(`^http://\\S+:${port}\n`, 'm'))
  const url = `http://127.0.0.1:${port}`
  return {
    ...program,
    url,
    dataDirectory,
    async stop() {
      program.process.kill('SIGTERM')
      expect(await program.ended, program.output()).toBe(0)
      expect(existsSync(join(dataDirectory, 'postgres', 'cluster', 'postmaster.pid'))).toBe(false)
      await expect(fetch(url)).rejects.toThrow()
    },
  }
}

export function runProgram(
  example: string,
  words: readonly string[],
  environment: Record<string, string>,
): Program {
  const child = spawn(process.execPath, words, {
    cwd: join(repository, 'examples', example),
    env: { PATH: process.env['PATH'] ?? '', ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  let isOver = false
  const heard = new Set<() => void>()
  const hear = (chunk?: Buffer) => {
    output += chunk?.toString() ?? ''
    for (const look of heard) look()
  }
  child.stdout.on('data', hear)
  child.stderr.on('data', hear)
  const ended = new Promise<number | NodeJS.Signals>((resolve) => {
    child.once('close', (code, signal) => {
      isOver = true
      hear()
      resolve(signal ?? code ?? 1)
    })
  })
  const says = (pattern: RegExp) =>
    new Promise<RegExpExecArray>((resolve, reject) => {
      const look = () => {
        const found = pattern.exec(output)
        if (found === null && !isOver) return
        heard.delete(look)
        if (found === null) reject(new Error(`The program ended and never said ${pattern}:\n${output}`))
        else resolve(found)
      }
      heard.add(look)
      look()
    })
  return { process: child, output: () => output, ended, says }
}

/** The examples say where they are, and not which port they were given. */
async function freePort(): Promise<string> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  return String(port)
}

/** A data directory for the tests of a file, and the programs that may be running when one of them fails. */
export function exampleWorld(): AsyncDisposable & {
  readonly directory: string
  host(example: string, environment?: Record<string, string>): Promise<Host>
  run(example: string, words: readonly string[], environment: Record<string, string>): Program
} {
  const directory = temporaryDirectory()
  const programs: Program[] = []
  return {
    directory,
    async host(example, environment) {
      const host = await startHost(example, join(directory, 'data'), environment)
      programs.push(host)
      return host
    },
    run(example, words, environment) {
      const program = runProgram(example, words, environment)
      programs.push(program)
      return program
    },
    async [Symbol.asyncDispose]() {
      for (const { process: child, ended } of programs) {
        if (child.exitCode === null && child.signalCode === null) child.kill('SIGTERM')
        await ended
      }
      rmSync(directory, { recursive: true, force: true })
    },
  }
}

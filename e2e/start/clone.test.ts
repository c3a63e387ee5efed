/** `./start` from a clone: where it lies, who runs it, and what is missing. */
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process'
import { chmodSync, cpSync, existsSync, mkdirSync, rmSync, symlinkSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { repository, temporaryDirectory } from '../product.ts'
import { nobody, postgresProcesses } from './surroundings.ts'

const isRoot = process.getuid?.() === 0
/** These situations do not exist for an ordinary user, so there is nothing to test then. */
const itAsRoot: (name: string, test: () => void | Promise<void>) => void = isRoot ? it : () => undefined

let directory: string
let running: { process: ChildProcess; ended: Promise<unknown> }[]

beforeEach(() => {
  directory = temporaryDirectory()
  running = []
})

afterEach(async () => {
  // A test that failed leaves its server to us; one that is asked stops its PostgreSQL as well.
  for (const { process: server, ended } of running) {
    server.kill('SIGTERM')
    await ended
  }
  rmSync(directory, { recursive: true, force: true })
})

describe('./start from a clone', () => {
  it('works in a path of 150 characters', async () => {
    const clone = join(directory, 'x'.repeat(150 - directory.length - 1))
    copyRepository(clone, 'built')
    await startAndStop(clone, { dataDirectory: join(directory, 'data') })
  })

  itAsRoot('works below a directory that only root can enter: PostgreSQL runs as another user', async () => {
    const closed = join(directory, 'closed')
    mkdirSync(closed, { mode: 0o700 })
    const clone = join(closed, 'clone')
    copyRepository(clone, 'built')
    const dataDirectory = join(directory, 'data')
    await startAndStop(clone, { dataDirectory })
    expect(existsSync(join(dataDirectory, 'postgres', 'programs'))).toBe(true)
    await startAndStop(clone, { dataDirectory })
  })

  itAsRoot('works for a user who cannot write to the clone, once it is built', async () => {
    const clone = join(directory, 'clone')
    copyRepository(clone, 'built')
    const dataDirectory = join(directory, 'data')
    mkdirSync(dataDirectory)
    const user = nobody()
    execFileSync('chown', [String(user.uid), dataDirectory])
    await startAndStop(clone, { dataDirectory, spawnAs: user })
  })
})

describe('./start from a clone refuses, in one sentence and with exit code 1, when', () => {
  it('there is no network to install from', () => {
    const clone = join(directory, 'clone')
    copyRepository(clone, 'bare')
    const { code, output } = runStart(clone, {
      npm_config_registry: 'http://127.0.0.1:9/',
      npm_config_cache: join(directory, 'npm-cache'),
    })
    expect(code).toBe(1)
    expect(output).toMatch(
      /The packages could not be downloaded, because the npm registry did not answer \(ECONNREFUSED\)/,
    )
    expect(output).not.toMatch(/^npm (error|ERR!)/m)
  })

  itAsRoot('somebody who may not write would have to install', () => {
    const clone = join(directory, 'clone')
    copyRepository(clone, 'bare')
    const { code, output } = runStart(clone, {}, nobody())
    expect(code).toBe(1)
    expect(output).toContain(`This user cannot write to ${clone}`)
  })

  it('there is no Node, or no npm', () => {
    const clone = join(directory, 'clone')
    copyRepository(clone, 'bare')
    const programs = join(directory, 'programs')
    mkdirSync(programs)
    for (const name of ['dirname', 'cat']) symlinkSync(find(name), join(programs, name))
    const withoutNode = runStart(clone, { PATH: programs })
    expect(withoutNode).toMatchObject({ code: 1 })
    expect(withoutNode.output).toMatch(
      /^Belfry needs Node\.js and npm .*"node" was not found: .*apt-get install nodejs npm/,
    )
    symlinkSync(process.execPath, join(programs, 'node'))
    expect(runStart(clone, { PATH: programs }).output).toContain('"npm" was not found')
  })
})

/** `built`: with the packages and everything that was built, so that nothing is left to do. */
function copyRepository(target: string, state: 'bare' | 'built'): void {
  const listed = execFileSync('git', ['ls-files', '-co', '--exclude-standard'], {
    cwd: repository,
    encoding: 'utf8',
  })
  for (const path of listed.split('\n').filter((name) => name !== '' && existsSync(join(repository, name)))) {
    mkdirSync(dirname(join(target, path)), { recursive: true })
    cpSync(join(repository, path), join(target, path), { preserveTimestamps: true })
  }
  chmodSync(target, 0o755)
  if (state === 'bare') return
  for (const path of [
    'node_modules',
    'packages/contract/dist',
    'packages/server/dist',
    'packages/server/console',
  ]) {
    // Hard links where the file system allows it: the packages are large.
    const linked = spawnSync('cp', ['-al', join(repository, path), join(target, path)])
    if (linked.status !== 0) execFileSync('cp', ['-a', join(repository, path), join(target, path)])
  }
  // What a start writes must not be written into the original.
  rmSync(join(target, 'node_modules', '.belfry'), { recursive: true })
  cpSync(join(repository, 'node_modules', '.belfry'), join(target, 'node_modules', '.belfry'), {
    recursive: true,
  })
}

interface Surroundings {
  readonly dataDirectory: string
  readonly spawnAs?: { readonly uid: number; readonly gid: number }
}

async function startAndStop(clone: string, { dataDirectory, spawnAs }: Surroundings): Promise<void> {
  const child = spawn(join(clone, 'start'), [], {
    ...spawnAs,
    cwd: '/',
    env: { PATH: process.env['PATH'], HOME: dataDirectory, PORT: '0', BELFRY_DATA_DIR: dataDirectory },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve))
  running.push({ process: child, ended })
  await new Promise<void>((resolve, reject) => {
    const read = (chunk: Buffer) => {
      output += chunk.toString()
      if (output.includes('Ctrl-C stops it')) resolve()
    }
    child.stdout.on('data', read)
    child.stderr.on('data', read)
    void ended.then(() => reject(new Error(`It ended before it was ready:\n${output}`)))
  })
  expect(output).not.toContain('Installing')
  expect(output).not.toContain('Building')
  child.kill('SIGTERM')
  expect(await ended).toBe(0)
  expect(postgresProcesses(dataDirectory)).toEqual([])
}

function runStart(
  clone: string,
  environment: Record<string, string>,
  spawnAs: Partial<Surroundings['spawnAs']> = {},
) {
  const { status, stdout, stderr } = spawnSync('/bin/sh', [join(clone, 'start')], {
    ...spawnAs,
    cwd: '/',
    encoding: 'utf8',
    env: { PATH: process.env['PATH'], HOME: directory, ...environment },
    timeout: 60_000,
  })
  return { code: status, output: `${stdout}${stderr}` }
}

function find(program: string): string {
  const directory = ['/usr/bin', '/bin'].find((candidate) => existsSync(join(candidate, program)))
  if (directory === undefined) throw new Error(`There is no ${program} here.`)
  return join(directory, program)
}

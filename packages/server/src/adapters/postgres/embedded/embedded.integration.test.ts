import { type ChildProcess, spawn } from 'node:child_process'
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { type EmbeddedPostgres, startEmbeddedPostgres } from './embedded.ts'
import { logBytesMax } from './log-file.ts'
import { acquireOwnerLock, type OwnerLock, readOwner } from './owner-lock.ts'

let directory: string
let children: ChildProcess[]
let running: { postgres: EmbeddedPostgres; lock: OwnerLock }[]

beforeEach(() => {
  directory = makeDirectory()
  children = []
  running = []
})

afterEach(async () => {
  for (const child of children) child.kill('SIGKILL')
  for (const { postgres, lock } of running) {
    await postgres.stop()
    lock.release()
  }
  // A server whose owner a test killed is taken over once more, so that it is stopped.
  if (existsSync(join(directory, 'postgres', 'cluster', 'postmaster.pid'))) await stop(await start())
  rmSync(directory, { recursive: true, force: true })
})

describe('a start of the embedded PostgreSQL', () => {
  it('creates the database, and finds it again the next time', async () => {
    const first = await start()
    expect(first.postgres.origin).toBe('created')
    await query(first.postgres.url, `create table kept (id int); insert into kept values (1)`)
    await stop(first)
    const second = await start()
    expect(second.postgres.origin).toBe('started')
    expect(await query(second.postgres.url, 'select id from kept')).toEqual([{ id: 1 }])
  })

  it('leaves neither a process nor a socket behind when it stops', async () => {
    const server = await start()
    const pid = postmasterPid()
    const socketDirectory =
      new URL(server.postgres.url.replace('@/', '@host/')).searchParams.get('host') ?? ''
    expect(existsSync(socketDirectory)).toBe(true)
    await stop(server)
    expect(() => process.kill(pid, 0)).toThrow('ESRCH')
    expect(existsSync(socketDirectory)).toBe(false)
    expect(readOwner(directory)).toBeUndefined()
  })

  it('keeps what was acknowledged and what the settings promise: commits are synchronous', async () => {
    const { postgres } = await start()
    const settings = await query(
      postgres.url,
      `select name, setting from pg_settings where name in ('fsync', 'synchronous_commit', 'full_page_writes', 'listen_addresses')`,
    )
    expect(Object.fromEntries(settings.map((row) => [row['name'], row['setting']]))).toEqual({
      fsync: 'on',
      synchronous_commit: 'on',
      full_page_writes: 'on',
      listen_addresses: '',
    })
  })

  it('asks for the password, which only its owner can read', async () => {
    const { postgres } = await start()
    expect(statSync(join(directory, 'postgres', 'password')).mode & 0o777).toBe(0o600)
    await expect(query(postgres.url.replace(/:[^:@]+@/, ':wrong@'), 'select 1')).rejects.toThrow(
      /password authentication failed/,
    )
  })

  it('begins anew when an earlier first start was cut off', async () => {
    mkdirSync(join(directory, 'postgres', 'cluster.unfinished', 'base'), { recursive: true })
    expect((await start()).postgres.origin).toBe('created')
  })

  it('takes over the server of a Belfry that was killed, with its data', async () => {
    const owner = await startOwner()
    await query(owner.url, `create table kept (id int); insert into kept values (7)`)
    await kill(owner.process)
    const taken = await start()
    expect(taken.postgres.origin).toBe('adopted')
    expect(await query(taken.postgres.url, 'select id from kept')).toEqual([{ id: 7 }])
    await stop(taken)
    expect((await start()).postgres.origin).toBe('started')
  })

  it('recovers when Belfry and PostgreSQL were both killed, even if a stranger has the old pid', async () => {
    const owner = await startOwner()
    await query(owner.url, `create table kept (id int); insert into kept values (8)`)
    const pid = postmasterPid()
    await kill(owner.process)
    process.kill(pid, 'SIGKILL')
    // The file that PostgreSQL trusts now names a process that lives: ours.
    const file = join(directory, 'postgres', 'cluster', 'postmaster.pid')
    writeFileSync(file, readFileSync(file, 'utf8').replace(String(pid), String(process.pid)))
    const server = await start()
    expect(server.postgres.origin).toBe('recovered')
    expect(await query(server.postgres.url, 'select id from kept')).toEqual([{ id: 8 }])
  })

  it('replaces a server whose socket was tidied away', async () => {
    const owner = await startOwner()
    await query(owner.url, `create table kept (id int); insert into kept values (10)`)
    await kill(owner.process)
    rmSync(socketDirectoryOf(owner.url), { recursive: true })
    const server = await start()
    expect(await query(server.postgres.url, 'select id from kept')).toEqual([{ id: 10 }])
    expect(readFileSync(join(directory, 'postgres', 'postgres.log'), 'utf8')).toContain(
      'received fast shutdown',
    )
  })

  it('starts PostgreSQL again, at the same place, when it was killed', async () => {
    const { postgres } = await start()
    await query(postgres.url, `create table kept (id int); insert into kept values (9)`)
    const killed = postmasterPid()
    process.kill(killed, 'SIGKILL')
    await vi.waitFor(
      async () => expect(await query(postgres.url, 'select id from kept')).toEqual([{ id: 9 }]),
      { timeout: 20_000, interval: 20 },
    )
    expect(postmasterPid()).not.toBe(killed)
  })

  it('stops in order even while it is starting again', async () => {
    const server = await start()
    process.kill(postmasterPid(), 'SIGKILL')
    await stop(server)
    expect(processesOf(directory)).toEqual([])
  })

  it('can be broken off, and leaves nothing running', async () => {
    await stop(await start())
    const broken = new AbortController()
    broken.abort(new Error('enough'))
    await expect(start(broken.signal)).rejects.toThrow()
    expect(processesOf(directory)).toEqual([])
  })

  it('keeps its log within a bound', async () => {
    await stop(await start())
    const log = join(directory, 'postgres', 'postgres.log')
    truncateSync(log, logBytesMax + 1)
    await start()
    expect(statSync(log).size).toBeLessThan(100_000)
    expect(statSync(`${log}.1`).size).toBe(logBytesMax + 1)
  })
})

describe('a start is refused, and says why, when', () => {
  it('another Belfry has the data directory', async () => {
    const owner = await startOwner()
    await expect(start()).rejects.toThrow(
      new RegExp(
        `^Another Belfry \\(process ${owner.process.pid}, since .*\\) is using the data directory ${directory}: stop it first`,
      ),
    )
  })

  it('the data was written by another major version of PostgreSQL', async () => {
    await stop(await start())
    writeFileSync(join(directory, 'postgres', 'cluster', 'PG_VERSION'), '17\n')
    await expect(start()).rejects.toThrow(
      /was written by PostgreSQL 17, and this Belfry brings PostgreSQL 18/,
    )
  })

  it('the password is missing or is another one', async () => {
    await stop(await start())
    const file = join(directory, 'postgres', 'password')
    const password = readFileSync(file, 'utf8')
    writeFileSync(file, 'another')
    await expect(start()).rejects.toThrow(/does not accept the password/)
    rmSync(file)
    await expect(start()).rejects.toThrow(/password .* cannot be read/)
    writeFileSync(file, password)
    await start()
  })

  it('the directory was copied while it was in use', async () => {
    await startOwner()
    const copy = makeDirectory()
    try {
      cpSync(directory, copy, {
        recursive: true,
        filter: (source) => statSync(source).isFile() || statSync(source).isDirectory(),
      })
      await expect(acquireOwnerLock(copy, new Date())).rejects.toThrow(
        /was copied or moved while a server was using it/,
      )
      // Whoever deletes the owner's name only meets the next guard.
      rmSync(join(copy, 'owner.json'))
      await expect(startIn(copy)).rejects.toThrow(/was copied from .* while PostgreSQL was using it/)
    } finally {
      rmSync(copy, { recursive: true, force: true })
    }
  })

  it('the files of the cluster are not whole', async () => {
    await stop(await start())
    rmSync(join(directory, 'postgres', 'cluster', 'PG_VERSION'))
    await expect(start()).rejects.toThrow(/is no whole PostgreSQL cluster/)
  })

  it('PostgreSQL itself gives up', async () => {
    await stop(await start())
    rmSync(join(directory, 'postgres', 'cluster', 'global', 'pg_control'))
    await expect(start()).rejects.toThrow(/^PostgreSQL did not start: .*pg_control/)
  })
})

it('a race of many for one directory has one winner', async () => {
  const racers = await Promise.all(
    Array.from({ length: 8 }, () =>
      acquireInProcess(directory).then(
        (child) => ({ child, won: true }),
        (error: Error) => ({ error, won: false }),
      ),
    ),
  )
  expect(racers.filter((racer) => racer.won)).toHaveLength(1)
})

function makeDirectory(): string {
  const path = mkdtempSync(join(tmpdir(), 'belfry-embedded-'))
  // Under root, PostgreSQL runs as somebody else, who has to pass through.
  if (process.getuid?.() === 0) chmodSync(path, 0o711)
  return path
}

function start(signal?: AbortSignal) {
  return startIn(directory, signal)
}

async function startIn(dataDirectory: string, signal = new AbortController().signal) {
  const lock = await acquireOwnerLock(dataDirectory, new Date())
  const ignore = () => undefined
  try {
    const postgres = await startEmbeddedPostgres({
      dataDirectory,
      lock,
      logger: { debug: ignore, info: ignore, warn: ignore, error: ignore },
      onProgress: ignore,
      signal,
    })
    const server = { postgres, lock }
    running.push(server)
    return server
  } catch (error) {
    lock.release()
    throw error
  }
}

async function stop(server: { postgres: EmbeddedPostgres; lock: OwnerLock }): Promise<void> {
  running = running.filter((other) => other !== server)
  await server.postgres.stop()
  server.lock.release()
}

async function startOwner(): Promise<{ process: ChildProcess; url: string }> {
  const { child, line } = await ownerProcess(directory)
  const { url } = JSON.parse(line) as { url?: string }
  if (url === undefined) throw new Error(line)
  return { process: child, url }
}

async function acquireInProcess(path: string): Promise<ChildProcess> {
  const { child, line } = await ownerProcess(path)
  if (!line.includes('ready')) throw new Error(line)
  return child
}

async function ownerProcess(path: string): Promise<{ child: ChildProcess; line: string }> {
  const program = join(import.meta.dirname, 'testing', 'owner-process.ts')
  const child = spawn(process.execPath, ['--conditions=source', program, path], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  children.push(child)
  const line = await new Promise<string>((resolve, reject) => {
    child.stdout?.once('data', (chunk: Buffer) => resolve(chunk.toString()))
    child.once('close', () => reject(new Error('The process ended without a word.')))
  })
  return { child, line }
}

async function kill(child: ChildProcess): Promise<void> {
  const gone = new Promise<void>((resolve) => child.once('close', () => resolve()))
  child.kill('SIGKILL')
  await gone
}

async function query(url: string, text: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: url })
  client.on('error', () => undefined)
  await client.connect()
  try {
    return (await client.query<Record<string, unknown>>(text)).rows
  } finally {
    await client.end()
  }
}

function socketDirectoryOf(url: string): string {
  return new URL(url.replace('@/', '@host/')).searchParams.get('host') ?? ''
}

function postmasterPid(): number {
  return Number(readFileSync(join(directory, 'postgres', 'cluster', 'postmaster.pid'), 'utf8').split('\n')[0])
}

function processesOf(path: string): string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        const words = readFileSync(`/proc/${pid}/cmdline`, 'utf8')
        return words.includes(path) && words.includes('/bin/postgres')
      } catch {
        return false
      }
    })
}

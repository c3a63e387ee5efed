/**
 * kill -9 of the server, of PostgreSQL, and of both, while rows are written: what was acknowledged is there
 * afterwards, transactions are whole, and every next start succeeds without anybody's hand.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { repository, temporaryDirectory } from '../product.ts'
import { killPostmaster, postmasterPid, query } from './kills.ts'

/** `CRASH_ROUNDS=200` for a long run. */
const rounds = Number(process.env['CRASH_ROUNDS'] ?? 20)
/** Rows that are acknowledged before each kill: enough that commits are under way at every moment. */
const rowsBeforeKill = 200

let directory: string
const writers: Writer[] = []

beforeAll(() => {
  directory = temporaryDirectory()
})

afterEach(async () => {
  // A test that failed leaves its writer to us.
  for (const writer of writers.splice(0)) {
    writer.process.kill('SIGKILL')
    await writer.ended
  }
})

afterAll(async () => {
  const last = await startWriter()
  last.process.kill('SIGTERM')
  await last.ended
  rmSync(directory, { recursive: true, force: true })
})

describe(`${rounds} rounds of kill -9 during writes`, () => {
  it('of the server: nothing acknowledged is lost, and the next start takes PostgreSQL over', async () => {
    await crash(async (writer) => {
      writer.process.kill('SIGKILL')
      await writer.ended
      const next = await startWriter()
      expect(next.ready).toContain('taken over')
      return next
    })
  }, 300_000)

  it('of PostgreSQL: nothing acknowledged is lost, and the server goes on by itself', async () => {
    await crash(async (writer) => {
      const killed = killPostmaster(directory)
      // Rows that were acknowledged before the kill may still be on their way to us; those after it are not.
      await vi.waitFor(() => expect([killed, undefined]).not.toContain(postmasterPid(directory)), {
        timeout: 20_000,
        interval: 5,
      })
      await writer.acknowledged(rowsBeforeKill)
      return writer
    })
  }, 300_000)

  it('of both: nothing acknowledged is lost, and the next start recovers', async () => {
    await crash(async (writer) => {
      killPostmaster(directory)
      writer.process.kill('SIGKILL')
      await writer.ended
      return startWriter()
    })
  }, 300_000)
})

/** `kill` gets the running writer and gives back the one that runs afterwards. */
async function crash(kill: (writer: Writer) => Promise<Writer>): Promise<void> {
  const acknowledged: number[] = []
  let writer = await startWriter()
  for (let round = 0; round < rounds; round++) {
    await writer.acknowledged(rowsBeforeKill)
    const killed = writer
    writer = await kill(killed)
    acknowledged.push(...killed.takeAcknowledged())
    const stored = await readStored()
    const lost = acknowledged.filter((id) => !stored.has(id))
    expect(
      lost,
      `round ${round}: ${lost.length} of ${acknowledged.length} acknowledged rows are lost`,
    ).toEqual([])
    const torn = [...stored].filter(([, pair]) => !stored.has(pair))
    expect(torn, `round ${round}: half a transaction is stored`).toEqual([])
  }
  writer.process.kill('SIGTERM')
  await writer.ended
  expect(acknowledged.length).toBeGreaterThanOrEqual(rounds * rowsBeforeKill)
}

interface Writer {
  readonly process: ChildProcess
  readonly ready: string
  readonly ended: Promise<void>
  /** Resolves when `count` more rows were acknowledged than when it was called. */
  acknowledged(count: number): Promise<void>
  /** Every id acknowledged since the last call. */
  takeAcknowledged(): number[]
}

async function startWriter(): Promise<Writer> {
  const child = spawn(process.execPath, ['--conditions=source', join(import.meta.dirname, 'writer.ts')], {
    env: {
      PATH: process.env['PATH'],
      BELFRY_DATA_DIR: directory,
      // Each start would take a fifth of a second of one core to compile the same again.
      NODE_COMPILE_CACHE: join(repository, 'node_modules', '.cache', 'writer'),
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let acknowledged: number[] = []
  let total = 0
  let waiting: { until: number; resolve: () => void } | undefined
  let errors = ''
  child.stderr?.on('data', (chunk: Buffer) => {
    errors += chunk.toString()
  })
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()))
  const ready = Promise.withResolvers<string>()
  void ended.then(() => ready.reject(new Error(`The writer ended before it was ready: ${errors}`)))
  createInterface({ input: child.stdout }).on('line', (line) => {
    const said = parseLine(line)
    if (said.ready !== undefined) ready.resolve(said.ready)
    if (said.written === undefined) return
    acknowledged.push(...said.written)
    total += said.written.length
    if (waiting !== undefined && total >= waiting.until) waiting.resolve()
  })
  const writer: Writer = {
    process: child,
    ready: await ready.promise,
    ended,
    acknowledged: (count) =>
      new Promise((resolve, reject) => {
        waiting = { until: total + count, resolve }
        void ended.then(() => reject(new Error(`The writer ended by itself: ${errors}`)))
      }),
    takeAcknowledged() {
      const taken = acknowledged
      acknowledged = []
      return taken
    },
  }
  writers.push(writer)
  return writer
}

/** The last line of a killed process may be cut off; what it said in it was not heard. */
function parseLine(line: string): { ready?: string; written?: number[] } {
  try {
    return JSON.parse(line) as { ready?: string; written?: number[] }
  } catch {
    return {}
  }
}

async function readStored(): Promise<Map<number, number>> {
  const rows = await query<{ id: string; pair: string }>(directory, 'select id, pair from belfry.written')
  return new Map(rows.map((row) => [Number(row.id), Number(row.pair)]))
}

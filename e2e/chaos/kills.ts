/** Ways in which parts of a running product end without a goodbye. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import pg from 'pg'
import { findRunningPostgres } from '../../packages/server/src/adapters/postgres/embedded/embedded.ts'
import { until } from '../protocol/until.ts'

/** `undefined` while none runs. */
export function postmasterPid(dataDirectory: string): number | undefined {
  try {
    const file = join(dataDirectory, 'postgres', 'cluster', 'postmaster.pid')
    return Number(readFileSync(file, 'utf8').split('\n')[0])
  } catch {
    return undefined
  }
}

export function killPostmaster(dataDirectory: string): number {
  const pid = postmasterPid(dataDirectory)
  if (pid === undefined) throw new Error('There is no PostgreSQL to kill.')
  process.kill(pid, 'SIGKILL')
  return pid
}

/** PostgreSQL ends all its processes when one of them was killed, and recovers. */
export async function killBackend(dataDirectory: string, choose: (pids: number[]) => number): Promise<void> {
  process.kill(choose(await backends(dataDirectory)), 'SIGKILL')
}

/** What an operator does to a single session: the others go on. */
export async function endSession(dataDirectory: string, choose: (pids: number[]) => number): Promise<void> {
  const pid = choose(await backends(dataDirectory))
  await query(dataDirectory, 'select pg_terminate_backend($1)', [pid])
}

/** Those that work for the server; waits for one. */
async function backends(dataDirectory: string): Promise<number[]> {
  let pids: number[] = []
  await until(async () => {
    pids = (await query<{ pid: number }>(dataDirectory, ofTheServer)).map(({ pid }) => pid)
    return pids.length > 0
  })
  return pids
}

const ofTheServer = `select pid from pg_stat_activity
  where application_name = 'belfry' and backend_type = 'client backend' order by pid`

/** On a connection of its own, beside the server; waits for a PostgreSQL that is recovering. */
export async function query<Row extends pg.QueryResultRow>(
  dataDirectory: string,
  text: string,
  values: readonly unknown[] = [],
): Promise<Row[]> {
  let client: pg.Client | undefined
  await until(async () => {
    client = await connect(dataDirectory)
    return client !== undefined
  })
  try {
    return (await client?.query<Row>(text, [...values]))?.rows ?? []
  } finally {
    await client?.end()
  }
}

/** `undefined` while nobody answers. */
async function connect(dataDirectory: string): Promise<pg.Client | undefined> {
  const url = await findRunningPostgres(dataDirectory)
  if (url === undefined) return undefined
  const client = new pg.Client({ connectionString: url })
  client.on('error', () => undefined)
  return client.connect().then(
    () => client,
    () => undefined,
  )
}

/**
 * A database that is there and takes nothing: read-only, without connections, without room on its disk. Sends are
 * refused in one way, nothing is half done, and all goes on by itself when there is room again.
 */
import { closeSync, openSync, rmSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import pg from 'pg'
import { io } from 'socket.io-client'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { findRunningPostgres } from '../../packages/server/src/adapters/postgres/embedded/embedded.ts'
import { issueToken, type TokenClaims } from '../../packages/server/src/adapters/tokens/issue-token.ts'
import { SeededRandom } from '../../packages/server/src/engine/testing/seeded-random.ts'
import { type Product, type ProductOptions, startProduct, temporaryDirectory } from '../product.ts'
import { until } from '../protocol/until.ts'
import { smallMount } from '../start/surroundings.ts'
import { countsAreRight, everySendIsStoredOnce, logIsWhole } from './checks.ts'
import { query } from './kills.ts'
import { type Senders, startSenders } from './senders.ts'

const secret = 'the secret of these tests, with 32 bytes or more'
const users = ['ana', 'bob', 'eve', 'joe']

let directory: string
let product: Product

beforeEach(() => {
  directory = temporaryDirectory()
})
afterEach(async () => {
  await product.stop()
  rmSync(directory, { recursive: true, force: true })
})

async function start(options: ProductOptions = {}): Promise<Senders> {
  const environment = { JWT_SECRET: secret, RATE_LIMIT_MAX_REQUESTS: '1000000' }
  product = await startProduct({
    dataDirectory: join(directory, 'data'),
    environment,
    host: join(import.meta.dirname, 'host.ts'),
    ...options,
  })
  return startSenders({
    url: product.url,
    token: tokenOf({ sub: 'billing', permissions: ['notifications:send', 'events:publish'] }),
    random: new SeededRandom(1),
    users,
    isUp: () => true,
  })
}

const tokenOf = (claims: TokenClaims) =>
  issueToken({ secret, claims, expiresInSeconds: 3_600, now: Date.now })

/** Some were sent before, some are refused meanwhile, and in the end all are acknowledged. */
async function during(senders: Senders, obstacle: () => Promise<() => Promise<void>>): Promise<void> {
  await until(() => senders.acknowledged >= 100)
  const end = await obstacle()
  const before = senders.refused
  await until(() => senders.refused >= before + 16, {
    get what() {
      return `refusals; there are ${senders.refused}, and ${senders.complaints}`
    },
    withinMs: 60_000,
  })
  await end()
  const acknowledged = senders.acknowledged
  await until(() => senders.acknowledged >= acknowledged + 100)
  senders.finish()
  await senders.done
  expect(senders.complaints).toEqual([])
  for (const user of users) await listIsRight(user, senders)
}

/** Everything that was sent to this user is listed once, and counted. */
async function listIsRight(user: string, { sent }: Senders): Promise<void> {
  const ids: string[] = []
  let cursor: string | null = ''
  while (cursor !== null) {
    const page = await listOf(user, cursor)
    ids.push(...page.notifications.map(({ id }) => id))
    cursor = page.nextCursor
    expect(page.unread).toBe(sent.filter(({ users: to }) => to.includes(user)).length)
  }
  const expected = sent.filter(({ users: to }) => to.includes(user)).map(({ id }) => id)
  expect(ids.toSorted()).toEqual(expected.toSorted())
}

async function listOf(user: string, cursor: string) {
  const query = cursor === '' ? '' : `&cursor=${cursor}`
  const response = await fetch(`${product.url}/api/v1/notifications?limit=100${query}`, {
    headers: { authorization: `Bearer ${tokenOf({ sub: user })}` },
  })
  expect(response.status).toBe(200)
  return (await response.json()) as {
    notifications: { id: string }[]
    nextCursor: string | null
    unread: number
  }
}

async function databaseIsRight(senders: Senders): Promise<void> {
  const { dataDirectory, url } = product
  await everySendIsStoredOnce(dataDirectory, senders)
  await countsAreRight(dataDirectory, url)
  await until(async () => (await query(dataDirectory, 'select from event_outbox')).length === 0)
  await logIsWhole(dataDirectory, senders)
}

it('a database that is read-only can be read, and refuses what would change it', async () => {
  const senders = await start()
  const setReadOnly = async (value: 'on' | 'off') => {
    await query(product.dataDirectory, `alter system set default_transaction_read_only = ${value}`)
    await query(product.dataDirectory, 'select pg_reload_conf()')
  }
  await during(senders, async () => {
    await setReadOnly('on')
    await until(() => senders.refused > 0)
    const { notifications } = await listOf('ana', '')
    expect(notifications.length).toBeGreaterThan(0)
    await socketIsRefused(notifications[0]?.id ?? '')
    return () => setReadOnly('off')
  })
  await databaseIsRight(senders)
})

/** The same code as over REST, and none that says it was our fault. */
async function socketIsRefused(notificationId: string): Promise<void> {
  const socket = io(`${product.url}/notifications`, {
    auth: { token: tokenOf({ sub: 'ana' }) },
    transports: ['websocket'],
    forceNew: true,
  })
  try {
    const answer = await socket.timeout(20_000).emitWithAck('notification:markRead', { notificationId })
    expect(answer).toMatchObject({ ok: false, error: { code: 'database_unavailable', retry: true } })
  } finally {
    socket.disconnect()
  }
}

it('a PostgreSQL that gives no connection any more', async () => {
  const senders = await start()
  const taken: pg.Client[] = []
  const url = await findRunningPostgres(product.dataDirectory)
  /** False when there are as many as there may be. */
  const take = async () => {
    const client = new pg.Client({ connectionString: url, application_name: 'taker' })
    client.on('error', () => undefined)
    try {
      await client.connect()
      taken.push(client)
      return true
    } catch (error) {
      expect(error).toMatchObject({ code: '53300' })
      return false
    }
  }
  await during(senders, async () => {
    await until(async () => !(await take()))
    const ofTheServer = async () => {
      // Also of those that only begin, and have no name yet.
      const text = `select pid from pg_stat_activity
        where backend_type = 'client backend' and application_name is distinct from 'taker'`
      return (await taken[0]?.query<{ pid: number }>(text))?.rows ?? []
    }
    // What the server holds still serves; a place that it loses is ours, if we are faster.
    await until(
      async () => {
        for (const { pid } of await ofTheServer())
          await taken[0]?.query('select pg_terminate_backend($1)', [pid])
        while (await take());
        // A session may have ended after the last place was taken: looked at again, there is none left for the server.
        const isGone = (await ofTheServer()).length === 0
        return isGone && !(await take()) && (await ofTheServer()).length === 0
      },
      { withinMs: 60_000 },
    )
    return async () => {
      await Promise.all(taken.map((client) => client.end()))
    }
  })
  await databaseIsRight(senders)
})

it('a disk that is full', async () => {
  const senders = await start({ wrapper: smallMount(directory, 400) })
  // Only the server sees the mount; we look through its eyes.
  const filler = join('/proc', String(product.process.pid), 'root', directory, 'filler')
  await during(senders, async () => {
    fill(filler)
    return async () => rmSync(filler)
  })
})

/** Writes until nothing more fits. */
function fill(file: string): void {
  const descriptor = openSync(file, 'w')
  try {
    const megabyte = Buffer.alloc(1_000_000)
    for (;;) writeSync(descriptor, megabyte)
  } catch (error) {
    expect(error).toMatchObject({ code: 'ENOSPC' })
  } finally {
    closeSync(descriptor)
  }
}

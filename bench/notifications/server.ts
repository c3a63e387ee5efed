/** The product as a program hosts it, in a process of its own; does what the bench asks for. */
import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createDatabase } from '../../packages/server/src/adapters/postgres/database.ts'
import { findRunningPostgres } from '../../packages/server/src/adapters/postgres/embedded/embedded.ts'
import { loadSettings, sql, startBelfry } from '../../packages/server/src/index.ts'
import { answerCalls } from '../../packages/testing/src/bench/processes.ts'

const directory = mkdtempSync(join(tmpdir(), 'belfry-bench-'))
// Under root, PostgreSQL runs as somebody else, who has to pass through.
if (process.getuid?.() === 0) chmodSync(directory, 0o711)
const say = (...words: unknown[]) => console.error(...words)
const logger = { debug: () => undefined, info: () => undefined, warn: say, error: say }
const belfry = await startBelfry({
  loaded: loadSettings({
    BELFRY_DATA_DIR: directory,
    PORT: '0',
    JWT_SECRET: 'the secret of this bench, with 32 bytes or more',
    NODE_ENV: 'production',
    MAX_SOCKET_CONNECTIONS: '1000',
    RATE_LIMIT_MAX_REQUESTS: '1000000',
  }),
  logger,
})
const text = 'Could you look at the third paragraph? I am not sure that it says what we want.'

const calls = {
  address: async (_: null) => belfry.address,

  /** So many a second, by turns to these users, each with the time at which it was asked for. */
  async pace({ perSecond, count, users }: { perSecond: number; count: number; users: number }) {
    const began = performance.now()
    const sends: Promise<unknown>[] = []
    for (let n = 0; n < count; n += 1) {
      while (performance.now() - began < (n * 1_000) / perSecond)
        await new Promise((resolve) => setImmediate(resolve))
      const data = { askedAt: performance.timeOrigin + performance.now() }
      sends.push(
        belfry.notifications.send({
          userId: `user-${n % users}`,
          type: 'n',
          title: 'Hello',
          message: text,
          data,
        }),
      )
    }
    await Promise.all(sends)
  },

  /** As many as go, so many at a time. */
  async saturate({ count, atOnce, recipients }: { count: number; atOnce: number; recipients: number }) {
    let next = 0
    const began = performance.now()
    await Promise.all(
      Array.from({ length: atOnce }, async () => {
        while (next < count) {
          const n = next++
          const userIds = Array.from(
            { length: recipients },
            (_, index) => `many-${(n * recipients + index) % 200_000}`,
          )
          await belfry.notifications.send({ userIds, type: 'n', title: 'Hello', message: text })
        }
      }),
    )
    return performance.now() - began
  },

  /** A million rows, of which ten thousand are Ana's. */
  async fill({ rows, own }: { rows: number; own: number }) {
    const piece = 50_000
    for (let from = 1; from <= rows; from += piece)
      await belfry.transaction((transaction) =>
        transaction.query(sql`
          insert into notifications (user_id, type, title, message, created_at, read_at)
          select case when n % (${rows}::int / ${own}::int) = 0 then 'ana' else 'other-' || (n % 20000) end, 'n',
            'Hello', ${text}, now() - make_interval(secs => n), case when n % 3 = 0 then now() end
          from generate_series(${from}::int, ${from + piece - 1}::int) n`),
      )
    await belfry.transaction((transaction) =>
      transaction.query(sql`
        insert into notification_inboxes (user_id, unread, revision)
        select user_id, count(*) filter (where read_at is null), 1 from notifications group by user_id
        on conflict (user_id) do update set unread = excluded.unread`),
    )
    await vacuum()
  },

  /** Milliseconds of each of so many reads. */
  async read({
    what,
    times,
  }: {
    what: 'page' | 'unread' | 'category' | 'later page' | 'count'
    times: number
  }) {
    const read = {
      page: () => belfry.notifications.list('ana', { limit: 20 }),
      unread: () => belfry.notifications.list('ana', { limit: 20, read: false }),
      category: () => belfry.notifications.list('ana', { limit: 20, category: 'nothing' }),
      'later page': () => belfry.notifications.list('ana', { limit: 20, cursor: laterCursor }),
      count: () => belfry.notifications.unreadCount('ana'),
    }[what]
    const laterCursor = `${Date.now() - 500_000_000}.00000000-0000-4000-8000-000000000000`
    const took: number[] = []
    for (let n = 0; n < times; n += 1) {
      const began = performance.now()
      await read()
      took.push(performance.now() - began)
    }
    return took
  },

  async stop(_: null) {
    await belfry.stop()
    rmSync(directory, { recursive: true, force: true })
  },
}

/** As PostgreSQL does it by itself within a minute. */
async function vacuum(): Promise<void> {
  const url = await findRunningPostgres(directory)
  const database = createDatabase({ url: url ?? '', schema: 'belfry', logger })
  await database.query(sql`vacuum analyze notifications`)
  await database.close()
}

answerCalls(calls)

export type ServerCalls = typeof calls

/** What the PostgreSQL adapter does beyond the contract of the port. */
import { setTimeout as delay } from 'node:timers/promises'
import pg from 'pg'
import { describe, expect, inject, it, onTestFinished, vi } from 'vitest'
import { sql } from '../../engine/sql.ts'
import { until } from '../../engine/testing/until.ts'
import { createDatabase, type DatabaseOptions, type PostgresDatabase } from './database.ts'
import { type NetworkProxy, startProxy } from './testing/proxy.ts'
import { silentLogger } from './testing/silent-logger.ts'
import { type TestDatabase, testDatabase } from './testing/test-database.ts'

interface World extends TestDatabase {
  readonly proxy: NetworkProxy
  open(options?: Partial<DatabaseOptions>): PostgresDatabase
}

/** Databases are opened through a proxy, closed at the end, and must leave no connection. */
async function withWorld(test: (world: World) => Promise<void>): Promise<void> {
  await using server = await testDatabase(inject('postgresUrl'))
  await using proxy = await startProxy(server.url)
  const opened: PostgresDatabase[] = []
  try {
    await test({
      ...server,
      proxy,
      open(options = {}) {
        const database = createDatabase({ url: proxy.url, logger: silentLogger, ...options })
        opened.push(database)
        return database
      },
    })
  } finally {
    await Promise.all(opened.map((database) => database.close({ withinMs: 1000 })))
    await until(() => proxy.open === 0, { what: 'every connection is closed' })
  }
}

const one = sql<{ one: number }>`select 1 as one`

describe('values', () => {
  it('come and go as values.ts says', () =>
    withWorld(async ({ open }) => {
      const database = open()
      const moment = new Date('2025-01-31T12:00:00.123Z')
      const rows = await database.query(sql`
        select ${'text'}::text as text, ${1}::int as int, ${2 ** 53 - 1}::bigint as bigint, ${'1.50'}::numeric as numeric,
          ${0.1}::float8 as float, ${true}::boolean as boolean, ${moment}::timestamptz as moment,
          ${'2025-01-31'}::date as date, ${'12:00'}::time as time, ${'2025-01-31 12:00'}::timestamp as timestamp,
          ${'1 day 2 hours'}::interval as interval, ${{ a: [1, null] }}::jsonb as json,
          ${JSON.stringify([1, 'two'])}::jsonb as json_list, ${Buffer.from([0, 255])}::bytea as bytes,
          ${[1, null]}::int[] as ints, ${['a"b', null, '']}::text[] as texts, ${[moment]}::timestamptz[] as moments,
          ${['1.10']}::numeric[] as numerics, ${[[1], [2]]}::bigint[] as bigints, ${[{ a: 1 }]}::jsonb[] as jsons,
          ${null}::text as nothing, ${[Buffer.from('x')]}::bytea[] as many_bytes, ${''}::text as empty`)
      expect(rows).toEqual([
        {
          text: 'text',
          int: 1,
          bigint: 9007199254740991,
          numeric: '1.50',
          float: 0.1,
          boolean: true,
          moment,
          date: '2025-01-31',
          time: '12:00:00',
          timestamp: '2025-01-31 12:00:00',
          interval: '1 day 02:00:00',
          json: { a: [1, null] },
          json_list: [1, 'two'],
          bytes: Buffer.from([0, 255]),
          ints: [1, null],
          texts: ['a"b', null, ''],
          moments: [moment],
          numerics: ['1.10'],
          bigints: [[1], [2]],
          jsons: [{ a: 1 }],
          nothing: null,
          many_bytes: [Buffer.from('x')],
          empty: '',
        },
      ])
    }))

  it('that do not fit reject their statement and disturb no other', () =>
    withWorld(async ({ open }) => {
      const database = open({ connectionsMax: 1 })
      const outcomes = await Promise.allSettled([
        database.query(one),
        database.query(sql`select ${'9007199254740993'}::bigint as big`),
        database.query(sql`select timestamptz 'infinity' as never`),
        database.query(one),
      ])
      expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'rejected', 'fulfilled'])
    }))
})

describe('the session', () => {
  it('has the schema alone in its path, UTC, a name, and durable commits, whatever the server prefers', () =>
    withWorld(async ({ open, sql: run, name }) => {
      await run(`alter database ${name} set synchronous_commit = off`)
      await run(`alter database ${name} set timezone = 'Asia/Tokyo'`)
      await run(`alter database ${name} set datestyle = 'SQL, DMY'`)
      await run(`create schema "Odd ""name"""`)
      const database = open({ schema: 'Odd "name"' })
      const rows = await database.query(sql`
        select current_schemas(false)::text[] as schemas, current_setting('TimeZone') as zone,
          current_setting('synchronous_commit') as durable, current_setting('application_name') as name,
          now() as now, current_setting('statement_timeout') as timeout`)
      expect(rows).toMatchObject([
        { schemas: ['Odd "name"'], zone: 'UTC', durable: 'on', name: 'belfry', timeout: '30s' },
      ])
    }))

  it('prepares a statement once per connection, under its name', () =>
    withWorld(async ({ open }) => {
      const database = open({ connectionsMax: 1 })
      const counted = (n: number) => sql<{ n: number }>`select ${n}::int as n from generate_series(1, 1)`
      for (let n = 0; n < 20; n += 1) await database.query(counted(n))
      await database.transaction(async (transaction) => transaction.query(counted(20)))
      const prepared = await database.query(
        sql`select name, generic_plans + custom_plans as plans from pg_prepared_statements where name = ${counted(0).name}`,
      )
      expect(prepared).toEqual([{ name: counted(0).name, plans: 21 }])
    }))

  it('ends a statement that runs too long, and no other', () =>
    withWorld(async ({ open }) => {
      const database = open({ statementTimeoutMs: 200, connectionsMax: 1 })
      const slow = database.query(sql`select pg_sleep(20)`)
      const behind = database.query(one)
      await expect(slow).rejects.toMatchObject({ name: 'DatabaseError', code: '57014' })
      expect(await behind).toEqual([{ one: 1 }])
    }))
})

describe('prepared statements that no longer fit', () => {
  it('are sent again unprepared when a table changed its shape', () =>
    withWorld(async ({ open, sql: run }) => {
      await run('create table changing (a int); insert into changing values (1)')
      const database = open({ connectionsMax: 2 })
      const all = sql`select * from changing`
      expect(await database.query(all)).toEqual([{ a: 1 }])
      await run('alter table changing add b int')
      const answers = await Promise.all(Array.from({ length: 20 }, () => database.query(all)))
      expect(answers).toEqual(Array.from({ length: 20 }, () => [{ a: 1, b: null }]))
      await run('alter table changing drop a')
      const outcome = await database.transaction(async (t) => [await t.query(all), await t.query(all)])
      expect(outcome).toEqual([[{ b: null }], [{ b: null }]])
    }))

  it('fail a transaction at most once', () =>
    withWorld(async ({ open, sql: run }) => {
      await run('create table changing (a int); insert into changing values (1)')
      const database = open({ connectionsMax: 1 })
      const all = sql`select * from changing`
      await database.query(all)
      await run('alter table changing add b int')
      const attempt = () => database.transaction(async (transaction) => transaction.query(all))
      await expect(attempt()).rejects.toMatchObject({ code: '0A000' })
      expect(await attempt()).toEqual([{ a: 1, b: null }])
    }))

  it('are no obstacle when somebody discarded them, and a failed begin takes its first statement along', () =>
    withWorld(async ({ open, sql: run }) => {
      await run('create table kept (n int)')
      const database = open({ connectionsMax: 1 })
      const insert = (n: number) => sql`insert into kept values (${n})`
      await database.query(insert(1))
      // Outside of a transaction this one would succeed.
      const neverPrepared = sql`insert into kept select 5`
      const discard = sql`do $$ begin execute 'deallocate all'; end $$`
      await database.query(discard)
      await database.query(insert(2))
      await database.query(insert(3))
      await database.query(discard)
      const transaction = database.transaction(async (t) => {
        const outcomes = await Promise.allSettled([t.query(insert(4)), t.query(neverPrepared)])
        expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'rejected'])
      })
      await expect(transaction).rejects.toMatchObject({ name: 'DatabaseError' })
      await database.transaction(async (t) => t.query(insert(6)))
      expect(await database.query(sql`select n from kept order by n`)).toEqual([
        { n: 1 },
        { n: 2 },
        { n: 3 },
        { n: 6 },
      ])
    }))
})

describe('connections', () => {
  it('outlive statements that PostgreSQL cannot parse, however many of one kind come at once', () =>
    withWorld(async ({ open }) => {
      const database = open({ connectionsMax: 1 })
      const process = sql`select pg_backend_pid() as id`
      const before = await database.query(process)
      const calls = Array.from({ length: 50 }, () => database.query(sql`select absent_column`))
      for (const outcome of await Promise.allSettled(calls)) {
        expect(outcome).toMatchObject({ reason: { code: '42703' } })
      }
      expect(await database.query(process)).toEqual(before)
    }))

  it('are opened when needed, and closed when idle, except one', () =>
    withWorld(async ({ open, proxy }) => {
      vi.useFakeTimers({ toFake: ['setInterval'] })
      onTestFinished(() => void vi.useRealTimers())
      const database = open()
      expect(database.state()).toEqual({ state: 'down', connectionsOpen: 0, connectionsMax: 10 })
      expect(proxy.open).toBe(0)
      await Promise.all(
        Array.from({ length: 5 }, () =>
          database.transaction(async (t) => {
            await t.query(one)
            await until(() => database.state().connectionsOpen === 5)
          }),
        ),
      )
      vi.advanceTimersByTime(29_000)
      expect(database.state().connectionsOpen).toBe(5)
      vi.advanceTimersByTime(3000)
      expect(database.state().connectionsOpen).toBe(1)
      await until(() => proxy.open === 1)
      await database.query(one)
    }))

  it('that run something slow do not hold up others', () =>
    withWorld(async ({ open }) => {
      const database = open({ connectionsMax: 3 })
      await database.query(one)
      const slow = [database.query(sql`select pg_sleep(1)`)]
      const startedAt = performance.now()
      await delay(50)
      for (let n = 0; n < 50; n += 1) await database.query(one)
      expect(performance.now() - startedAt).toBeLessThan(700)
      await Promise.all(slow)
    }))

  it('ended by an operator, idle or not, never take the process down, and are replaced', () =>
    withWorld(async ({ open, endSessions, connections, admin, name }) => {
      const database = open()
      const asleep = () =>
        admin("select 1 from pg_stat_activity where datname = $1 and wait_event = 'PgSleep'", [name])
      for (let round = 0; round < 5; round += 1) {
        await Promise.all(Array.from({ length: 20 }, () => database.query(one)))
        const sleeping = Promise.allSettled([
          database.query(sql`select pg_sleep(20)`),
          database.transaction(async (t) => t.query(sql`select pg_sleep(20)`)),
        ])
        await until(async () => (await asleep()).length === 2)
        await endSessions()
        for (const outcome of await sleeping) {
          expect(outcome).toMatchObject({ reason: { code: 'database_unavailable' } })
        }
        await until(async () => {
          const { state, connectionsOpen } = database.state()
          return state === 'up' && connectionsOpen === (await connections())
        })
      }
      expect(await database.query(one)).toEqual([{ one: 1 }])
    }))

  it('that went silent are given up, and what was under way is refused', () =>
    withWorld(async ({ open, proxy }) => {
      vi.useFakeTimers({ toFake: ['setInterval'] })
      onTestFinished(() => void vi.useRealTimers())
      const database = open({ patienceMs: 300, connectTimeoutMs: 500 })
      await database.query(one)
      proxy.goSilent()
      const sent = database.query(one)
      vi.advanceTimersByTime(34_000)
      expect(database.state().state).toBe('up')
      vi.advanceTimersByTime(2000)
      await expect(sent).rejects.toMatchObject({ code: 'database_unavailable' })
      await expect(database.query(one)).rejects.toMatchObject({ code: 'database_unavailable' })
      expect(database.state().state).toBe('down')
    }))

  it('that were idle for long are not taken for silent', () =>
    withWorld(async ({ open, proxy }) => {
      vi.useFakeTimers({ toFake: ['setInterval'] })
      onTestFinished(() => void vi.useRealTimers())
      const database = open()
      await database.query(one)
      vi.advanceTimersByTime(600_000)
      expect(database.state().connectionsOpen).toBe(1)
      const answer = database.query(one)
      vi.advanceTimersByTime(1000)
      expect(await answer).toEqual([{ one: 1 }])
      expect(proxy.open).toBe(1)
    }))

  it('are few enough when the server has no more, and nobody is refused', () =>
    withWorld(async ({ open, admin, name, proxy }) => {
      await admin(`create role ${name}_few login password 'pw' connection limit 2`)
      try {
        const url = proxy.url.replace(/\/\/[^@]*@/, `//${name}_few:pw@`)
        const database = open({ url, patienceMs: 300 })
        const answers = await Promise.all(
          Array.from({ length: 40 }, (_, n) =>
            database.transaction(async (t) => t.query(sql`select ${n}::int as n`)),
          ),
        )
        expect(answers).toEqual(Array.from({ length: 40 }, (_, n) => [{ n }]))
        expect(await database.query(one)).toEqual([{ one: 1 }])
        await database.close()
      } finally {
        await until(() => proxy.open === 0)
        await admin(`drop role ${name}_few`)
      }
    }))

  it('lose no more than what is under way when they are cut: what waits goes another way', () =>
    withWorld(async ({ open, proxy }) => {
      const database = open({ connectionsMax: 1 })
      await database.ready()
      const sent = Array.from({ length: 500 }, (_, n) =>
        database.query(sql`select ${n}::int as n, pg_sleep(0.001)`),
      )
      const outcomes = Promise.allSettled(sent)
      await sent[0]
      proxy.cut()
      const lost = (await outcomes).filter(({ status }) => status === 'rejected')
      expect(lost.length).toBeGreaterThan(0)
      expect(lost.length).toBeLessThanOrEqual(64)
    }))

  it('that all are busy make callers wait a bounded time', () =>
    withWorld(async ({ open }) => {
      const database = open({ connectionsMax: 1, turnMs: 300 })
      const [begun, gate] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
      const holding = database.transaction(async (t) => {
        await t.query(one)
        begun.resolve()
        await gate.promise
      })
      await begun.promise
      await expect(database.query(one)).rejects.toMatchObject({
        code: 'database_unavailable',
        message: expect.stringMatching('became free'),
      })
      await expect(database.transaction(async (t) => t.query(one))).rejects.toThrow('became free')
      gate.resolve()
      await holding
    }))
})

describe('ready', () => {
  it('resolves when a connection is open, as often as asked', () =>
    withWorld(async ({ open }) => {
      const database = open()
      await Promise.all([database.ready(), database.ready()])
      await database.ready()
      expect(database.state()).toMatchObject({ state: 'up', connectionsOpen: 1 })
    }))

  it.each([
    ['13.4', '130004', 'Belfry needs PostgreSQL 14 or later, but the database', 'too_old'],
    ['9.6.3', '090603', 'Belfry needs PostgreSQL 14 or later, but the database', 'too_old'],
  ])('refuses PostgreSQL %s in one sentence', (_, number, sentence, reason) =>
    withWorld(async ({ open, proxy, sql: run }) => {
      const [row] = await run(`select current_setting('server_version_num') as version`)
      proxy.rewriteAnswers(String(row?.['version']), number)
      await expect(open().ready()).rejects.toMatchObject({
        name: 'ConnectError',
        reason,
        message: expect.stringMatching(sentence),
      })
    }),
  )

  it('says at once what the server refuses, and never the password', () =>
    withWorld(async ({ open, proxy }) => {
      for (const [url, reason] of [
        [proxy.url.replace(/\/\/([^:]*):[^@]*@/, '//$1:wrong-password@'), 'password authentication failed'],
        [proxy.url.replace(/\/test_\w+/, '/absent_database'), '"absent_database" does not exist'],
      ] as const) {
        const error = await open({ url, patienceMs: 60_000 })
          .ready()
          .catch((reason: unknown) => reason)
        expect(error).toMatchObject({ name: 'ConnectError', reason: 'refused' })
        expect(String(error)).toContain(reason)
        expect(String(error)).not.toContain('wrong-password')
      }
    }))

  it('says after its patience that nobody answers', () =>
    withWorld(async ({ open, proxy }) => {
      await proxy.goAway()
      await expect(open({ patienceMs: 200 }).ready()).rejects.toMatchObject({
        name: 'ConnectError',
        reason: 'unreachable',
        message: expect.stringMatching(/^the database "test_\w+" at .* cannot be reached/),
      })
    }))
})

describe('close', () => {
  it('waits for what was begun, refuses what comes later, and leaves nothing open', () =>
    withWorld(async ({ open, connections }) => {
      const database = open()
      const gate = Promise.withResolvers<void>()
      const statement = database.query(sql`select pg_sleep(0.2), 1 as one`)
      const transaction = database.transaction(async (t) => {
        await t.query(one)
        await gate.promise
        return t.query(one)
      })
      await until(async () => (await connections()) > 0)
      const closed = database.close()
      await expect(database.query(one)).rejects.toMatchObject({ code: 'shutting_down' })
      await expect(database.transaction(async () => 1)).rejects.toMatchObject({ code: 'shutting_down' })
      gate.resolve()
      expect(await transaction).toEqual([{ one: 1 }])
      expect(await statement).toMatchObject([{ one: 1 }])
      await closed
      expect(database.state().connectionsOpen).toBe(0)
      await database.close()
    }))

  it('waits a bounded time, then cuts', () =>
    withWorld(async ({ open }) => {
      const database = open()
      const endless = database.query(sql`select pg_sleep(20)`).catch((error: unknown) => error)
      const startedAt = performance.now()
      await database.ready()
      await database.close({ withinMs: 200 })
      expect(performance.now() - startedAt).toBeLessThan(3000)
      expect(await endless).toMatchObject({ code: 'database_unavailable' })
    }))

  it('does not wait long for a database that is away', () =>
    withWorld(async ({ open, proxy }) => {
      const database = open({ patienceMs: 300 })
      await database.ready()
      await proxy.goAway()
      const waiting = database.query(one).catch((error: unknown) => error)
      const startedAt = performance.now()
      await database.close()
      expect(performance.now() - startedAt).toBeLessThan(2000)
      expect(await waiting).toMatchObject({ code: 'database_unavailable' })
    }))

  it('of a database never used does nothing', () => withWorld(async ({ open }) => open().close()))
})

describe('the test server', () => {
  it('complains of a test that leaves a connection', async () => {
    const world = await testDatabase(inject('postgresUrl'))
    const leaked = new pg.Client({ connectionString: world.url })
    leaked.on('error', () => undefined)
    await leaked.connect()
    await expect(world[Symbol.asyncDispose]()).rejects.toThrow('left 1 connections open')
  })
})

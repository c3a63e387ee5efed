/**
 * What every `Database` must do, rule by rule (see ports/database.ts). An adapter's tests call this with a
 * world in which the database can be cut off, sent away and brought back.
 */
import { Refusal } from '@belfry/contract'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Database, DatabaseError, lockNotFree } from '../ports/database.ts'
import { sql } from '../sql.ts'
import { until } from './until.ts'

export interface DatabaseWorld extends AsyncDisposable {
  open(options?: { connectionsMax?: number; patienceMs?: number }): Database & { close(): Promise<void> }
  /** Cuts every connection; new ones can be made at once. */
  cut(): void
  /** Cuts every connection, and no new one can be made until `comeBack`. */
  goAway(): Promise<void>
  comeBack(): Promise<void>
  /** The next statement whose text or name contains this takes effect, and its answer is lost with the connection. */
  loseAnswerOf(text: string): void
  /** How many connections the database itself counts. */
  connections(): Promise<number>
}

export function describeDatabaseContract(adapter: string, makeWorld: () => Promise<DatabaseWorld>): void {
  describe(`Database contract: ${adapter}`, () => {
    let world: DatabaseWorld
    let opened: { close(): Promise<void> }[]

    const open = (options?: { connectionsMax?: number; patienceMs?: number }) => {
      const database = world.open(options)
      opened.push(database)
      return database
    }

    beforeEach(async () => {
      world = await makeWorld()
      opened = []
    })

    afterEach(async () => {
      await Promise.all(opened.map((database) => database.close()))
      await world[Symbol.asyncDispose]()
    })

    const withTable = async (options?: { connectionsMax?: number; patienceMs?: number }) => {
      const database = open(options)
      await database.query(sql`create table notes (id int primary key, text text)`)
      return database
    }
    const add = (id: number) => sql`insert into notes (id, text) values (${id}, 'kept')`
    const ids = async (database: Database) => {
      const rows = await database.query<{ id: number }>(sql`select id from notes order by id`)
      return rows.map(({ id }) => id)
    }
    const table = (name: string) => sql.raw(`create table ${name} (id int)`)

    it('[DB1] what a resolved statement wrote is there after every connection was cut', async () => {
      const database = await withTable()
      await database.query(add(1))
      world.cut()
      expect(await ids(open())).toEqual([1])
    })

    it('returns rows as plain objects, in the order of the result, and none where there are none', async () => {
      const database = await withTable()
      const rows = await database.query(sql`select n, n * 2 as twice from generate_series(3, 1, -1) n`)
      expect(rows).toEqual([
        { n: 3, twice: 6 },
        { n: 2, twice: 4 },
        { n: 1, twice: 2 },
      ])
      expect(await database.query(add(1))).toEqual([])
      expect(await database.query(sql`select 1 where false`)).toEqual([])
    })

    it('answers each of many statements at once with its own rows', async () => {
      const database = open({ connectionsMax: 3 })
      const numbers = Array.from({ length: 1000 }, (_, index) => index)
      const answers = await Promise.all(numbers.map((n) => database.query(sql`select ${n}::int as n`)))
      expect(answers).toEqual(numbers.map((n) => [{ n }]))
    })

    it('[DB2] commits when the work resolves, and hands back its result', async () => {
      const database = await withTable()
      const result = await database.transaction(async (transaction) => {
        await transaction.query(add(1))
        await transaction.query(add(2))
        return 'done'
      })
      expect(result).toBe('done')
      expect(await ids(database)).toEqual([1, 2])
    })

    it('[DB2] rolls back when the work rejects, and the caller gets that very error', async () => {
      const database = await withTable()
      const reason = new Error('changed my mind')
      const outcome = database.transaction(async (transaction) => {
        await transaction.query(add(1))
        await transaction.query(add(2))
        throw reason
      })
      await expect(outcome).rejects.toBe(reason)
      expect(await ids(database)).toEqual([])
    })

    it('[DB2] keeps nothing of a transaction in which a statement failed, even when the work hides it', async () => {
      const database = await withTable()
      const outcome = database.transaction(async (transaction) => {
        await transaction.query(add(1))
        await transaction.query(add(1)).catch(() => undefined)
        return 'as if nothing had happened'
      })
      await expect(outcome).rejects.toBeInstanceOf(DatabaseError)
      expect(await ids(database)).toEqual([])
    })

    it('[DB2] keeps nothing when the first statement fails, whatever was sent behind it', async () => {
      const database = await withTable({ connectionsMax: 1 })
      const outcome = database.transaction(async (transaction) => {
        const first = transaction.query(sql`insert into notes (id) values ('no number')`)
        const behind = [transaction.query(add(2)), transaction.query(add(3))]
        await Promise.allSettled([first, ...behind])
        await transaction.query(add(4)).catch(() => undefined)
      })
      await expect(outcome).rejects.toBeInstanceOf(DatabaseError)
      expect(await ids(database)).toEqual([])
    })

    it('[DB2] rejects when the commit itself fails', async () => {
      const database = await withTable()
      await database.query(
        sql`create table notes_of (note int references notes deferrable initially deferred)`,
      )
      const outcome = database.transaction(async (transaction) => {
        await transaction.query(add(1))
        await transaction.query(sql`insert into notes_of values (99)`)
      })
      await expect(outcome).rejects.toMatchObject({ name: 'DatabaseError', code: '23503' })
      expect(await ids(database)).toEqual([])
    })

    it('[DB2] a transaction without statements is nothing, and succeeds', async () => {
      expect(await open().transaction(async () => 'nothing done')).toBe('nothing done')
    })

    it('[DB2] refuses statements of a transaction that is over', async () => {
      const database = await withTable({ connectionsMax: 1 })
      const kept = await database.transaction(async (transaction) => {
        await transaction.query(sql`select 1`)
        return transaction
      })
      await expect(kept.query(add(1))).rejects.toThrow('over')
      expect(() => kept.afterCommit(() => undefined)).toThrow('over')
      expect(await ids(database)).toEqual([])
    })

    it('[DB2] a savepoint brings a transaction back from a failed statement', async () => {
      const database = await withTable()
      await database.transaction(async (transaction) => {
        await transaction.query(add(1))
        await transaction.query(sql`savepoint here`)
        await transaction.query(add(1)).catch(() => undefined)
        await transaction.query(sql`rollback to savepoint here`)
        await transaction.query(add(2))
      })
      expect(await ids(database)).toEqual([1, 2])
    })

    it('runs the statements of a transaction in the order they were given', async () => {
      const database = open()
      await database.query(sql`create table log (position serial, n int)`)
      await database.transaction(async (transaction) => {
        const numbers = Array.from({ length: 200 }, (_, index) => index)
        await Promise.all(numbers.map((n) => transaction.query(sql`insert into log (n) values (${n})`)))
      })
      const rows = await database.query<{ n: number }>(sql`select n from log order by position`)
      expect(rows.map(({ n }) => n)).toEqual(Array.from({ length: 200 }, (_, index) => index))
    })

    it('[DB3] shows others nothing before the commit, and everything after', async () => {
      const database = await withTable()
      const other = open()
      const seen: number[][] = []
      await database.transaction(async (transaction) => {
        await transaction.query(add(1))
        await transaction.query(add(2))
        seen.push(await ids(other), await ids(database))
        expect(await transaction.query(sql`select id from notes order by id`)).toEqual([{ id: 1 }, { id: 2 }])
      })
      seen.push(await ids(other))
      expect(seen).toEqual([[], [], [1, 2]])
    })

    it('[DB4] while the database is away, a call is refused after its patience and not before', async () => {
      const database = open({ patienceMs: 300 })
      await database.query(sql`select 1`)
      await world.goAway()
      await until(() => database.state().state === 'down')
      for (const call of [
        () => database.query(sql`select 1`),
        () => database.transaction(async (transaction) => transaction.query(sql`select 1`)),
      ]) {
        const startedAt = performance.now()
        await expect(call()).rejects.toMatchObject({ name: 'Refusal', code: 'database_unavailable' })
        const waited = performance.now() - startedAt
        expect(waited).toBeGreaterThan(250)
        expect(waited).toBeLessThan(2000)
      }
      await world.comeBack()
    })

    it('[DB4] a call made while the database is away succeeds when it comes back in time', async () => {
      const database = await withTable({ patienceMs: 20_000 })
      await world.goAway()
      await until(() => database.state().state === 'down')
      const written = database.query(add(1))
      const counted = database.transaction(async (transaction) => transaction.query(sql`select 1 as one`))
      await world.comeBack()
      await written
      expect(await counted).toEqual([{ one: 1 }])
      expect(await ids(database)).toEqual([1])
    })

    it('[DB4] a statement whose answer was lost is refused, and was not sent twice', async () => {
      const database = await withTable()
      await database.query(sql`create table hits (at timestamptz default clock_timestamp())`)
      world.loseAnswerOf('insert into hits')
      const outcome = database.query(sql`insert into hits default values`)
      await expect(outcome).rejects.toMatchObject({ name: 'Refusal', code: 'database_unavailable' })
      expect(await database.query(sql`select count(*) from hits`)).toEqual([{ count: 1 }])
    })

    it('[DB4] everything under way on a connection that is cut is refused, and nothing runs twice', async () => {
      const database = open({ connectionsMax: 2 })
      await database.query(sql`create table hits (n int)`)
      const sent = Array.from({ length: 300 }, (_, n) => database.query(sql`insert into hits values (${n})`))
      const outcomes = Promise.allSettled(sent)
      await Promise.any(sent)
      world.cut()
      let resolved = 0
      for (const outcome of await outcomes) {
        if (outcome.status === 'fulfilled') resolved += 1
        else expect(outcome.reason).toMatchObject({ name: 'Refusal', code: 'database_unavailable' })
      }
      const [count] = await database.query<{ all: number; distinct: number }>(
        sql`select count(*) as all, count(distinct n) as distinct from hits`,
      )
      expect(count?.all).toBe(count?.distinct)
      expect(count?.all).toBeGreaterThanOrEqual(resolved)
    })

    it('[DB4] a transaction whose connection is cut is refused and leaves nothing', async () => {
      const database = await withTable()
      const outcome = database.transaction(async (transaction) => {
        await transaction.query(add(1))
        world.cut()
        await transaction.query(add(2))
      })
      await expect(outcome).rejects.toMatchObject({ name: 'Refusal', code: 'database_unavailable' })
      expect(await ids(database)).toEqual([])
    })

    it('[DB4] a commit whose answer was lost is refused, and its afterCommit actions do not run', async () => {
      const database = await withTable()
      const actions: string[] = []
      const outcome = database.transaction(async (transaction) => {
        await transaction.query(add(1))
        transaction.afterCommit(() => actions.push('ran'))
        world.loseAnswerOf('commit')
      })
      const refusal = await outcome.catch((error: unknown) => error)
      expect(refusal).toBeInstanceOf(Refusal)
      expect(refusal).toMatchObject({
        code: 'database_unavailable',
        message: expect.stringMatching('unknown'),
      })
      expect(actions).toEqual([])
      expect(await ids(database)).toEqual([1])
    })

    it('[DB5] works again after a cut and after an absence, time and again, by itself', async () => {
      const database = await withTable({ patienceMs: 20_000 })
      for (const id of [1, 2, 3]) {
        world.cut()
        await until(() => database.state().state === 'up')
        await world.goAway()
        await until(() => database.state().state === 'down')
        await world.comeBack()
        await until(() => database.state().state === 'up')
        await database.query(add(id))
        await database.transaction(async (transaction) => transaction.query(add(id * 10)))
      }
      expect(await ids(database)).toEqual([1, 2, 3, 10, 20, 30])
    })

    it('[DB6] afterCommit actions run once, in order, when others can see what was written', async () => {
      const database = await withTable()
      const happened: string[] = []
      let seen: Promise<number[]> | undefined
      await database.transaction(async (transaction) => {
        transaction.afterCommit(() => happened.push('first'))
        await transaction.query(add(1))
        transaction.afterCommit(() => {
          happened.push('second')
          seen = ids(database)
        })
        expect(happened).toEqual([])
      })
      expect(happened).toEqual(['first', 'second'])
      expect(await seen).toEqual([1])
    })

    it('[DB6] afterCommit actions never run after a roll-back, whatever its cause', async () => {
      const database = await withTable()
      await database.query(add(1))
      await database.query(
        sql`create table notes_of (note int references notes deferrable initially deferred)`,
      )
      const happened: string[] = []
      const failures = [
        async () => Promise.reject(new Error('no')),
        async (query: (id: number) => Promise<unknown>) => query(1),
        async (query: (id: number) => Promise<unknown>) => query(1).catch(() => undefined),
      ]
      for (const fail of failures) {
        const outcome = database.transaction(async (transaction) => {
          transaction.afterCommit(() => happened.push('ran'))
          await transaction.query(add(2))
          await fail((id) => transaction.query(add(id)))
        })
        await expect(outcome).rejects.toThrow()
      }
      const deferred = database.transaction(async (transaction) => {
        transaction.afterCommit(() => happened.push('ran'))
        await transaction.query(sql`insert into notes_of values (99)`)
      })
      await expect(deferred).rejects.toThrow()
      expect(happened).toEqual([])
    })

    it('[DB6] an action that throws neither fails the transaction nor keeps the others from running', async () => {
      const database = await withTable()
      const happened: string[] = []
      await database.transaction(async (transaction) => {
        transaction.afterCommit(() => {
          throw new Error('broken action')
        })
        transaction.afterCommit(() => happened.push('ran'))
        await transaction.query(add(1))
      })
      expect(happened).toEqual(['ran'])
      expect(await ids(database)).toEqual([1])
    })

    it('[DB7] says which rule of the database a statement broke', async () => {
      const database = await withTable()
      await database.query(add(1))
      const error = await database.query(add(1)).catch((reason: unknown) => reason)
      expect(error).toBeInstanceOf(DatabaseError)
      expect(error).toMatchObject({ code: '23505', constraint: 'notes_pkey' })
    })

    it.each([
      ['read-only', sql`select set_config('transaction_read_only', 'on', true)`],
      ['full', sql`do $$ begin raise exception 'no space' using errcode = '53100'; end $$`],
    ])(
      '[DB7] refuses what a database that is %s does not take, and changes nothing',
      async (_what, obstacle) => {
        const database = await withTable()
        const refused = database.transaction(async (transaction) => {
          await transaction.query(add(1))
          await transaction.query(obstacle)
          await transaction.query(add(2))
        })
        await expect(refused).rejects.toMatchObject({ name: 'Refusal', code: 'database_unavailable' })
        await database.query(add(3))
        expect(await ids(database)).toEqual([3])
      },
    )

    it('[DB7] statements that fail do not disturb their neighbours', async () => {
      const database = await withTable({ connectionsMax: 1 })
      const calls = Array.from({ length: 300 }, (_, n) => {
        if (n % 3 === 0) return database.query(sql`select 1 / (${n}::int - ${n}::int) as n`)
        if (n % 3 === 1) return database.query(sql`select ${n}::int as n from absent_table`)
        return database.query(sql`select ${n}::int as n`)
      })
      const outcomes = await Promise.allSettled(calls)
      for (const [n, outcome] of outcomes.entries()) {
        if (n % 3 === 2) expect(outcome).toEqual({ status: 'fulfilled', value: [{ n }] })
        else expect(outcome).toMatchObject({ reason: { code: n % 3 === 0 ? '22012' : '42P01' } })
      }
    })

    it('[DB7] a statement that cannot even be sent does not disturb its neighbours', async () => {
      const database = await withTable({ connectionsMax: 1 })
      const tooMany = sql.join(Array.from({ length: 70_000 }, (_, n) => sql`${n}`))
      const before = database.query(sql`select 1 as n`)
      const refused = [
        database.query(sql`select ${undefined}::int as n`),
        database.query(sql`select ${() => 1}::int as n`),
        database.query(sql`select array[${tooMany}]`),
        database.query(sql`begin`),
        database.query(sql`set work_mem = '64kB'`),
        database.query(sql`copy notes from stdin`),
        database.query(sql.raw('select 1; select 2')),
      ]
      const after = database.query(sql`select 2 as n`)
      for (const outcome of await Promise.allSettled(refused)) expect(outcome.status).toBe('rejected')
      expect(await before).toEqual([{ n: 1 }])
      expect(await after).toEqual([{ n: 2 }])
      expect(await database.query(sql`select ${3}::int as n`)).toEqual([{ n: 3 }])
    })

    it('[DB8] opens no more connections than allowed, for statements and transactions together', async () => {
      const database = open({ connectionsMax: 4 })
      await database.query(sql`create table hits (n int)`)
      let most = 0
      let done = false
      const watching = (async () => {
        while (!done) most = Math.max(most, await world.connections())
      })()
      await Promise.all(
        Array.from({ length: 200 }, async (_, n) => {
          const insert = sql`insert into hits values (${n})`
          if (n % 2 === 0) await database.query(insert)
          else await database.transaction(async (transaction) => transaction.query(insert))
          expect(database.state().connectionsOpen).toBeLessThanOrEqual(4)
        }),
      )
      done = true
      await watching
      expect(most).toBeGreaterThan(1)
      expect(most).toBeLessThanOrEqual(4)
      expect(database.state()).toMatchObject({ state: 'up', connectionsMax: 4 })
      expect(await database.query(sql`select count(*) from hits`)).toEqual([{ count: 200 }])
    })

    it('[DB8] transactions wait their turn, first come, first served', async () => {
      for (const connectionsMax of [1, 2]) {
        const database = open({ connectionsMax })
        const order: number[] = []
        await Promise.all(
          Array.from({ length: 50 }, (_, n) =>
            database.transaction(async (transaction) => {
              order.push(n)
              await transaction.query(sql`select 1`)
            }),
          ),
        )
        expect(order).toEqual(Array.from({ length: 50 }, (_, n) => n))
      }
    })

    it('[DB8] work in a transaction may ask the database something outside of it, even when all are busy', async () => {
      const database = open({ connectionsMax: 3 })
      const transactions = Array.from({ length: 20 }, (_, n) =>
        database.transaction(async (transaction) => {
          await transaction.query(sql`select 1`)
          await until(() => database.state().connectionsOpen === 3)
          return database.query(sql`select ${n}::int as n`)
        }),
      )
      const answers = await Promise.all(transactions)
      expect(answers).toEqual(Array.from({ length: 20 }, (_, n) => [{ n }]))
    })

    it('[DB8] with a single connection, statements and transactions are both served', async () => {
      const database = open({ connectionsMax: 1 })
      await database.query(table('hits'))
      const insert = (n: number) => sql`insert into hits values (${n})`
      await Promise.all(
        Array.from({ length: 100 }, (_, n) =>
          n % 2 === 0
            ? database.query(insert(n))
            : database.transaction(async (transaction) => {
                await transaction.query(insert(n))
                await transaction.query(insert(n))
              }),
        ),
      )
      expect(await database.query(sql`select count(*) from hits`)).toEqual([{ count: 150 }])
      expect(await world.connections()).toBe(1)
    })

    it('[DB8] neither statements nor transactions starve while the other kind keeps coming', async () => {
      const database = open({ connectionsMax: 2 })
      let stop = false
      const load = Array.from({ length: 300 }, async () => {
        while (!stop) await database.query(sql`select 1`)
      })
      for (let n = 0; n < 20; n += 1) await database.transaction(async (t) => t.query(sql`select 2`))
      stop = true
      await Promise.all(load)

      stop = false
      const transactions = Array.from({ length: 50 }, async () => {
        while (!stop) await database.transaction(async (t) => t.query(sql`select 2`))
      })
      for (let n = 0; n < 20; n += 1) await database.query(sql`select 1`)
      stop = true
      await Promise.all(transactions)
    })

    it('[DB9] a transaction that waits briefly gives up what another holds, and one that does not waits', async () => {
      const database = await withTable()
      await database.query(add(1))
      const change = (text: string) => sql`update notes set text = ${text} where id = 1`
      const held = Promise.withResolvers<void>()
      const taken = Promise.withResolvers<void>()
      const holder = database.transaction(async (transaction) => {
        await transaction.query(change('holder'))
        taken.resolve()
        await held.promise
      })
      await taken.promise
      const refused = { name: 'DatabaseError', code: lockNotFree }
      const briefly = { waitsBriefly: true }
      await expect(
        database.transaction((transaction) => transaction.query(change('first')), briefly),
      ).rejects.toMatchObject(refused)
      await expect(
        database.transaction(async (transaction) => {
          await transaction.query(add(2))
          await transaction.query(change('later'))
        }, briefly),
      ).rejects.toMatchObject(refused)
      // On the same connections: what was briefly once is not so for ever.
      const patient = [1, 2, 3].map(() =>
        database.transaction((transaction) => transaction.query(change('patient'))),
      )
      await expect(
        database.transaction((transaction) => transaction.query(change('again')), briefly),
      ).rejects.toMatchObject(refused)
      held.resolve()
      await Promise.all([holder, ...patient])
      await database.transaction((transaction) => transaction.query(add(3)), briefly)
      expect(await database.query(sql`select id, text from notes order by id`)).toEqual([
        { id: 1, text: 'patient' },
        { id: 3, text: 'kept' },
      ])
    })
  })
}

import { Writable } from 'node:stream'
import pg from 'pg'
import { describe, expect, inject, it } from 'vitest'
import { until } from '../../../engine/testing/until.ts'
import { type Migrating, migrateUp, migrationStatus } from '../migrations.ts'
import { type TestDatabase, testDatabase } from '../testing/test-database.ts'
import { inspectBackup } from './inspect-backup.ts'
import type { BackupProgress } from './progress.ts'
import {
  backupOf,
  contentOf,
  filled,
  hard,
  later,
  modules,
  oddTable,
  restore,
  streamOf,
} from './testing/hard-schema.ts'
import { writeBackup } from './write-backup.ts'

describe('a backup', () => {
  it('comes back equal: every kind of column, circles of keys, triggers, sequences, partitions', async () => {
    await using source = await filled()
    const bytes = await backupOf(source)
    await using target = await testDatabase(inject('postgresUrl'))
    const summary = await restore(target, bytes)
    expect(await contentOf(target)).toBe(await contentOf(source))
    expect(summary).toMatchObject({
      tables: 11,
      header: {
        product: 'belfry',
        belfryVersion: '0.1.0',
        schema: 'public',
        migrations: [{ module: 'hard' }],
      },
      migrated: [],
    })
    expect(await inspectBackup(streamOf(bytes))).toEqual({
      header: summary.header,
      tables: summary.tables,
      rows: summary.rows,
    })
    const statusOf = async (world: TestDatabase) => migrationStatus(world, modules)
    expect(await statusOf(target)).toEqual(await statusOf(source))
  })

  it('leaves keys, checks, triggers and identities working as before', async () => {
    await using source = await filled()
    await using target = await testDatabase(inject('postgresUrl'))
    const bytes = await backupOf(source)
    await restore(target, bytes)
    await expect(target.sql('insert into people values (9, 99)')).rejects.toThrow('foreign key')
    await expect(target.sql('insert into homes values (9, null)')).rejects.toThrow('not-null')
    const triggers = `select tgname, tgenabled from pg_trigger where not tgisinternal order by 1`
    expect(await target.sql(triggers)).toEqual(await source.sql(triggers))
    expect(await target.sql('insert into touched values (3) returning n')).toEqual([{ n: 2000 }])
    const next = `insert into ${oddTable} default values returning "select"`
    expect(await target.sql(next)).toEqual(await source.sql(next))
    expect(await target.sql("select nextval('fresh_sequence')")).toEqual([{ nextval: '42' }])
    expect(await target.sql("insert into kinds (text) values ('n') returning id, upper")).toEqual(
      await source.sql("insert into kinds (text) values ('n') returning id, upper"),
    )
    const constraints = `select conname, convalidated, pg_get_constraintdef(oid) from pg_constraint
      where connamespace = 'public'::regnamespace order by 1`
    expect(await target.sql(constraints)).toEqual(await source.sql(constraints))
  })

  it('goes from one schema into one of another name', async () => {
    await using world = await filled()
    const bytes = await backupOf(world)
    await restore({ url: world.url, schema: 'Other "one"' }, bytes)
    expect(await contentOf(world, 'Other "one"')).toBe(await contentOf(world))
  })

  it('of an older version is restored to its level and migrated on from there', async () => {
    await using source = await filled()
    const bytes = await backupOf(source)
    await using target = await testDatabase(inject('postgresUrl'))
    const { migrated } = await restore(target, bytes, { modules: [hard, later] })
    expect(migrated).toEqual([{ module: 'later', id: '0002_add_tags', direction: 'up' }])
    expect(await target.sql('select text, tag from seeded order by id')).toEqual([
      { text: 'by hand', tag: 'new' },
      { text: 'too', tag: 'new' },
    ])
  })

  it('of a newer version, or of changed migrations, is refused and changes nothing', async () => {
    await using source = await filled()
    await migrateUp(source, [hard, later])
    const bytes = await backupOf(source)
    await using target = await testDatabase(inject('postgresUrl'))
    await expect(restore(target, bytes)).rejects.toMatchObject({
      code: 'schema_newer',
      message: expect.stringMatching('0002_add_tags'),
    })
    const changed = {
      name: 'later',
      migrations: later.migrations.map((step) => ({ ...step, up: 'select 2' })),
    }
    await expect(restore(target, bytes, { modules: [hard, changed] })).rejects.toMatchObject({
      code: 'schema_changed',
    })
    expect(await contentOf(target)).toBe('')
  })

  it('shows one moment, while others write', async () => {
    await using source = await testDatabase(inject('postgresUrl'))
    const pairs: Migrating = {
      name: 'pairs',
      migrations: [
        {
          id: '0001_create_pairs',
          up: `create table a_accounts (id int primary key, amount int);
            create table b_transfers (id int generated always as identity primary key, amount int);
            create table c_accounts (id int primary key, amount int);
            insert into a_accounts select n, 0 from generate_series(1, 20000) n;
            insert into c_accounts values (1, 0);`,
          down: '',
        },
      ],
    }
    await migrateUp(source, [pairs])
    const writer = new pg.Client({ connectionString: source.url })
    await writer.connect()
    let stop = false
    let moved = 0
    const writing = (async () => {
      while (!stop) {
        moved += 1
        await writer.query(`begin; update a_accounts set amount = amount - 1 where id = ${1 + (moved % 20_000)};
          insert into b_transfers (amount) values (1); update c_accounts set amount = amount + 1; commit`)
      }
    })()
    await until(() => moved > 20)
    const bytes = await backupOf(source)
    const atEnd = moved
    await until(() => moved > atEnd + 5)
    stop = true
    await writing
    await writer.end()
    await using target = await testDatabase(inject('postgresUrl'))
    await restore(target, bytes, { modules: [pairs] })
    const [sums] = await target.sql(
      `select (select sum(amount) from a_accounts)::int as a, (select sum(amount) from b_transfers)::int as b,
        (select sum(amount) from c_accounts)::int as c, (select count(*) from b_transfers)::int as transfers`,
    )
    expect(sums).toMatchObject({
      a: -Number(sums?.['transfers']),
      b: sums?.['transfers'],
      c: sums?.['transfers'],
    })
    expect(sums?.['transfers']).toBeGreaterThan(0)
    expect(sums?.['transfers']).toBeLessThan(moved)
    await target.sql('insert into b_transfers (amount) values (0)')
  })

  it('of many rows keeps memory bounded and says how far it is', async () => {
    await using source = await testDatabase(inject('postgresUrl'))
    const many: Migrating = {
      name: 'many',
      migrations: [{ id: '0001_create_many', up: 'create table many (id int, text text)', down: '' }],
    }
    await migrateUp(source, [many])
    await source.sql(
      `insert into many select n, md5(n::text) || repeat('x', 300) from generate_series(1, 100000) n`,
    )
    const seen: BackupProgress[] = []
    const before = process.memoryUsage().rss
    let peak = 0
    const onProgress = (progress: BackupProgress) => {
      seen.push(progress)
      if (seen.length % 50 === 0) peak = Math.max(peak, process.memoryUsage().rss)
    }
    let written = 0
    const slow = new Writable({
      highWaterMark: 16_384,
      write(chunk: Buffer, _, callback) {
        written += chunk.length
        setImmediate(callback)
      },
    })
    const summary = await writeBackup(source, slow, { belfryVersion: '0.1.0', onProgress })
    expect(summary).toEqual({ tables: 2, rows: 100_001 })
    expect(written).toBeGreaterThan(1_000_000)
    expect(seen.at(-1)).toMatchObject({ table: 'migrations', tableIndex: 1, tableCount: 2, rows: 1 })
    const ofMany = seen.filter(({ table }) => table === 'many')
    expect(ofMany.length).toBeGreaterThan(10)
    expect(ofMany.at(-1)).toMatchObject({ tableIndex: 0, rows: 100_000 })
    expect(ofMany.at(-1)?.bytes).toBeGreaterThan(33_000_000)

    const bytes = await backupOf(source)
    await using target = await testDatabase(inject('postgresUrl'))
    const restored: BackupProgress[] = []
    await restore(target, bytes, { modules: [many], onProgress: (progress) => restored.push(progress) })
    expect(restored.filter(({ table }) => table === 'many').at(-1)).toEqual(ofMany.at(-1))
    expect(
      await target.sql('select count(*), md5(string_agg(text, id::text order by id)) from many'),
    ).toEqual(await source.sql('select count(*), md5(string_agg(text, id::text order by id)) from many'))
    expect(peak - before).toBeLessThan(100 * 1024 * 1024)
  })

  it('of an empty schema is one, too', async () => {
    await using source = await testDatabase(inject('postgresUrl'))
    await migrateUp(source, [])
    await using target = await testDatabase(inject('postgresUrl'))
    expect(await restore(target, await backupOf(source), { modules: [] })).toMatchObject({
      tables: 1,
      rows: 0,
    })
    await using untouched = await testDatabase(inject('postgresUrl'))
    expect(await inspectBackup(streamOf(await backupOf(untouched)))).toMatchObject({ tables: 0, rows: 0 })
  })
})

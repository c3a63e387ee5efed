import { Readable } from 'node:stream'
import { describe, expect, inject, it } from 'vitest'
import { until } from '../../../engine/testing/until.ts'
import { startProxy } from '../testing/proxy.ts'
import { testDatabase } from '../testing/test-database.ts'
import { readBackup } from './read-backup.ts'
import { backupOf, contentOf, filled, modules, restore } from './testing/hard-schema.ts'

describe('restoring', () => {
  it('into a schema that holds something is refused, unless it is to be replaced', async () => {
    await using source = await filled()
    const bytes = await backupOf(source)
    await using target = await testDatabase(inject('postgresUrl'))
    for (const something of [
      'create table t (id int)',
      'create function f() returns int language sql as $$ select 1 $$',
      "create type e as enum ('a')",
      'create sequence s',
      'create domain d as int',
      'create view v as select 1 as one',
    ]) {
      await target.sql(something)
      const before = await contentOf(target)
      await expect(restore(target, bytes), something).rejects.toMatchObject({
        code: 'backup_target_not_empty',
      })
      expect(await contentOf(target)).toBe(before)
    }
    await target.sql('create materialized view m as select * from v; create view w as select * from m, t')
    await restore(target, bytes, { replace: true })
    expect(await contentOf(target)).toBe(await contentOf(source))
    await target.sql('delete from seeded')
    await restore(target, bytes, { replace: true })
    expect(await contentOf(target)).toBe(await contentOf(source))
  })

  it('does not take along what depends on the schema from outside', async () => {
    await using source = await filled()
    const bytes = await backupOf(source)
    await source.sql('create schema outside; create view outside.looks_in as select * from seeded')
    await source.sql('create table outside.points_in (id int references seeded)')
    await expect(restore(source, bytes, { replace: true })).rejects.toThrow(
      /outside.looks_in, outside.points_in|outside.points_in, outside.looks_in/,
    )
  })

  it('is followed by what must not be as it was, in the same transaction', async () => {
    await using source = await filled()
    const bytes = await backupOf(source)
    await using target = await testDatabase(inject('postgresUrl'))
    const before = await contentOf(target)
    const followed = (afterRestore: string) => [...modules, { name: 'after', migrations: [], afterRestore }]
    const failing = readBackup({ url: target.url }, Readable.from([bytes]), {
      modules: followed('select 1 / 0'),
    })
    await expect(failing).rejects.toThrow()
    expect(await contentOf(target)).toBe(before)
    await readBackup({ url: target.url }, Readable.from([bytes]), { modules: followed('delete from seeded') })
    expect(await target.sql('select count(*)::int as rows from seeded')).toEqual([{ rows: 0 }])
  })

  it('needs no superuser', async () => {
    await using source = await filled()
    const bytes = await backupOf(source)
    await using target = await testDatabase(inject('postgresUrl'))
    const role = `${target.name}_role`
    await target.admin(`create role ${role} login password 'pw'`)
    try {
      await target.sql(`create schema own authorization ${role}`)
      const connection = { url: target.url.replace(/\/\/[^@]*@/, `//${role}:pw@`), schema: 'own' }
      await restore(connection, bytes)
      await restore(connection, await backupOf(connection), { replace: true })
      expect(await contentOf(target, 'own')).toBe(await contentOf(source))
    } finally {
      await target.sql(`drop owned by ${role}`)
      await target.admin(`drop role ${role}`)
    }
  })

  it('brings back the rows of further schemas, whose tables exist already', async () => {
    await using source = await filled()
    const queue = `create schema queue; create table queue.jobs (id serial primary key, parent int references queue.jobs, data jsonb)`
    await source.sql(`${queue}; insert into queue.jobs (parent, data) values (2, '{}'), (1, null)`)
    const bytes = await backupOf(source, { furtherSchemas: ['queue'] })
    await using target = await testDatabase(inject('postgresUrl'))
    await expect(restore(target, bytes)).rejects.toThrow('"queue"."jobs", which nothing creates')
    await target.sql(queue)
    await restore(target, bytes)
    expect(await contentOf(target, 'queue')).toBe(await contentOf(source, 'queue'))
    await expect(restore({ url: target.url, schema: 'second' }, bytes)).rejects.toThrow('has rows already')
    await restore({ url: target.url, schema: 'second' }, bytes, { replace: true })
    expect(await contentOf(target, 'queue')).toBe(await contentOf(source, 'queue'))
  })

  it('leaves everything as it was when the connection is lost in the middle', async () => {
    await using source = await filled()
    const bytes = await backupOf(source)
    await using target = await testDatabase(inject('postgresUrl'))
    await restore(target, bytes)
    const content = await contentOf(target)
    for (const end of ['session ended', 'network cut', 'caller gave up'] as const) {
      await using proxy = await startProxy(target.url)
      const abort = new AbortController()
      const half = Math.floor(bytes.length / 2)
      // The second half comes only after the connection is gone.
      const input = Readable.from(
        (async function* () {
          yield bytes.subarray(0, half)
          await until(async () => (await target.connections()) === 1)
          if (end === 'session ended') await target.endSessions()
          else if (end === 'network cut') proxy.cut()
          else abort.abort()
          if (end !== 'caller gave up') await until(() => proxy.open === 0)
          yield bytes.subarray(half)
        })(),
        { objectMode: false },
      )
      const outcome = readBackup(proxy, input, { modules, replace: true, signal: abort.signal })
      await expect(outcome, end).rejects.toMatchObject(
        end === 'caller gave up' ? { name: 'AbortError' } : { code: 'database_unreachable' },
      )
      expect(await contentOf(target)).toBe(content)
    }
  })
})

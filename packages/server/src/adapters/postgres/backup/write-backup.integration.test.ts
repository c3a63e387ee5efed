import { Writable } from 'node:stream'
import pg from 'pg'
import { describe, expect, it } from 'vitest'
import { until } from '../../../engine/testing/until.ts'
import { migrateUp } from '../migrations.ts'
import { startProxy } from '../testing/proxy.ts'
import { inspectBackup } from './inspect-backup.ts'
import { backupOf, filled, hard, later, streamOf } from './testing/hard-schema.ts'
import { writeBackup } from './write-backup.ts'

describe('writing', () => {
  it('fails in one sentence when the connection is lost, and the piece of file is refused', async () => {
    await using source = await filled()
    await source.sql(
      `insert into kinds (text) select repeat(md5(n::text), 1000) from generate_series(1, 3000) n`,
    )
    for (const end of ['session ended', 'network cut', 'disk full', 'caller gave up'] as const) {
      await using proxy = await startProxy(source.url)
      const abort = new AbortController()
      const chunks: Buffer[] = []
      const output = new Writable({
        write(chunk: Buffer, _, callback) {
          chunks.push(chunk)
          if (chunks.length !== 3) return callback()
          if (end === 'disk full')
            return callback(Object.assign(new Error('no space left'), { code: 'ENOSPC' }))
          if (end === 'session ended') void source.endSessions().then(() => callback())
          else {
            if (end === 'network cut') proxy.cut()
            else abort.abort()
            callback()
          }
        },
      })
      const outcome = writeBackup(proxy, output, { belfryVersion: '0.1.0', signal: abort.signal })
      const expected = {
        'session ended': { code: 'database_unreachable' },
        'network cut': { code: 'database_unreachable' },
        'disk full': { code: 'ENOSPC' },
        'caller gave up': { name: 'AbortError' },
      }
      await expect(outcome, end).rejects.toMatchObject(expected[end])
      const written = Buffer.concat(chunks)
      await expect(inspectBackup(streamOf(written)), end).rejects.toMatchObject({ code: 'backup_invalid' })
      await until(() => proxy.open === 0)
    }
  })

  it('ends at once when the caller gives up while it waits for a table that somebody else locked', async () => {
    await using source = await filled()
    const locker = new pg.Client({ connectionString: source.url })
    await locker.connect()
    try {
      await locker.query(`begin; lock table kinds in access exclusive mode`)
      const abort = new AbortController()
      const sink = new Writable({ write: (_chunk, _, callback) => callback() })
      const outcome = writeBackup(source, sink, { belfryVersion: '0.1.0', signal: abort.signal })
      const settled = expect(outcome).rejects.toMatchObject({ name: 'AbortError' })
      await until(async () => {
        const waiting = await source.admin(
          'select 1 from pg_stat_activity where datname = $1 and wait_event_type = $2',
          [source.name, 'Lock'],
        )
        return waiting.length > 0
      })
      abort.abort()
      await settled
    } finally {
      await locker.end()
    }
  })

  it('waits for a migration, and a migration waits for it', async () => {
    await using source = await filled()
    const output = new Writable({
      write(_chunk, _, callback) {
        gate.promise.then(() => callback())
      },
    })
    const gate = Promise.withResolvers<void>()
    const backup = writeBackup(source, output, { belfryVersion: '0.1.0' })
    await until(async () => {
      const locks = await source.admin(
        "select 1 from pg_locks where locktype = 'advisory' and mode = 'ShareLock' and database = (select oid from pg_database where datname = $1)",
        [source.name],
      )
      return locks.length === 1
    })
    let migrated = false
    const migration = migrateUp(source, [hard, later]).then(() => {
      migrated = true
    })
    await until(async () => {
      const waiting = await source.admin(
        "select 1 from pg_locks where locktype = 'advisory' and not granted and database = (select oid from pg_database where datname = $1)",
        [source.name],
      )
      return waiting.length === 1
    })
    expect(migrated).toBe(false)
    gate.resolve()
    await Promise.all([backup, migration])
  })

  it('cannot be fooled by row level security', async () => {
    await using source = await filled()
    const role = `${source.name}_role`
    await source.admin(`create role ${role} login password 'pw'`)
    try {
      await source.sql(`grant usage on schema public to ${role}; grant select on all tables in schema public to ${role};
        grant select on all sequences in schema public to ${role};
        alter table seeded enable row level security`)
      const connection = { url: source.url.replace(/\/\/[^@]*@/, `//${role}:pw@`) }
      await expect(backupOf(connection)).rejects.toMatchObject({
        code: 'database_refused',
        message: expect.stringMatching('row-level security'),
      })
    } finally {
      await source.sql(`drop owned by ${role}`)
      await source.admin(`drop role ${role}`)
    }
  })
})

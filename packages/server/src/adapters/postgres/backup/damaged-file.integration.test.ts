import { createHash } from 'node:crypto'
import { Readable } from 'node:stream'
import { gunzipSync, gzipSync } from 'node:zlib'
import { describe, expect, inject, it } from 'vitest'
import { type Migrating, migrateUp } from '../migrations.ts'
import { testDatabase } from '../testing/test-database.ts'
import { decodeFrames, encodeFrame, type Frame } from './format.ts'
import { inspectBackup } from './inspect-backup.ts'
import { backupOf, contentOf, restore, streamOf } from './testing/hard-schema.ts'

describe('a file that is not a whole, unaltered backup', () => {
  const small: Migrating = {
    name: 'small',
    migrations: [
      { id: '0001_create_small', up: 'create table small (id int primary key, text text)', down: '' },
    ],
  }

  async function smallBackup(): Promise<Buffer> {
    await using source = await testDatabase(inject('postgresUrl'))
    await migrateUp(source, [small])
    await source.sql(`insert into small select n, md5(n::text) from generate_series(1, 50) n`)
    return await backupOf(source)
  }

  it('is refused wherever it was cut off, and changes nothing', async () => {
    const bytes = await smallBackup()
    await using target = await testDatabase(inject('postgresUrl'))
    await restore(target, bytes, { modules: [small] })
    const content = await contentOf(target)
    const offsets = [
      0,
      1,
      2,
      17,
      47,
      48,
      49,
      ...Array.from({ length: 12 }, (_, n) => Math.floor((bytes.length * n) / 12)),
    ]
    for (let left = 1; left <= 60; left += 1) offsets.push(bytes.length - left)
    for (const offset of offsets) {
      const cut = bytes.subarray(0, offset)
      await expect(inspectBackup(streamOf(cut)), `inspected, cut at ${offset}`).rejects.toMatchObject({
        code: 'backup_invalid',
      })
      const outcome = restore(target, cut, { modules: [small], replace: true })
      await expect(outcome, `cut at ${offset}`).rejects.toMatchObject({ code: 'backup_invalid' })
    }
    expect(await contentOf(target)).toBe(content)
  })

  it('is refused whichever byte was altered, and changes nothing', async () => {
    const bytes = await smallBackup()
    for (let at = 0; at < bytes.length; at += 1) {
      const altered = Buffer.from(bytes)
      altered.writeUInt8(altered.readUInt8(at) ^ (1 << (at % 8)), at)
      await expect(inspectBackup(streamOf(altered)), `byte ${at}`).rejects.toMatchObject({
        code: 'backup_invalid',
      })
    }
    await using target = await testDatabase(inject('postgresUrl'))
    await restore(target, bytes, { modules: [small] })
    const content = await contentOf(target)
    for (let at = 3; at < bytes.length; at += Math.floor(bytes.length / 40)) {
      const altered = Buffer.from(bytes)
      altered.writeUInt8(altered.readUInt8(at) ^ 0xff, at)
      const outcome = restore(target, altered, { modules: [small], replace: true })
      await expect(outcome, `byte ${at}`).rejects.toMatchObject({ code: 'backup_invalid' })
    }
    expect(await contentOf(target)).toBe(content)
  })

  it('is refused when it is something else, or has something behind its end', async () => {
    const bytes = await smallBackup()
    await using target = await testDatabase(inject('postgresUrl'))
    for (const [what, other] of [
      ['nothing', Buffer.alloc(0)],
      ['text', Buffer.from('-- PostgreSQL database dump\n'.repeat(100))],
      ['gzip of something else', gzipSync('hello')],
      ['noise', createHash('sha512').update('noise').digest()],
      ['something behind', Buffer.concat([bytes, Buffer.from('x')])],
      ['two of them', Buffer.concat([bytes, bytes])],
    ] as const) {
      await expect(restore(target, other, { modules: [small] }), what).rejects.toMatchObject({
        code: 'backup_invalid',
      })
      await expect(inspectBackup(streamOf(other)), what).rejects.toMatchObject({ code: 'backup_invalid' })
    }
    expect(await contentOf(target)).toBe('')
    await restore(target, bytes, { modules: [small] })
  })

  it('is refused when somebody put it together in another way', async () => {
    const whole: Frame[] = []
    const content = gunzipSync((await smallBackup()).subarray(0, -sealBytes))
    for await (const frame of decodeFrames(Readable.from([content]))) whole.push(frame)
    const isFooter = ({ kind }: Frame) => kind === 'footer'
    const footer = { kind: 'footer', content: { tables: 2, rows: 50 } } as const
    await using target = await testDatabase(inject('postgresUrl'))
    const attempts: [string, Frame[]][] = [
      ['nothing in it', []],
      ['no header', whole.slice(1)],
      ['no footer', whole.filter((frame) => !isFooter(frame))],
      ['a footer that counts otherwise', whole.map((frame) => (isFooter(frame) ? footer : frame))],
      ['a table that counts otherwise', whole.map((frame) => (frame.kind === 'end' ? noCount : frame))],
      ['something behind the footer', [...whole, ...whole.slice(-2)]],
      ['rows left out', whole.filter(({ kind }) => kind !== 'data')],
      ['a table that does not end', whole.filter(({ kind }) => kind !== 'end')],
      ['data outside of a table', whole.filter(({ kind }) => kind !== 'table')],
      ['a row that is none', whole.map((frame) => (frame.kind === 'data' ? noRow : frame))],
    ]
    for (const [what, frames] of attempts) {
      const file = sealed(gzipSync(Buffer.concat(frames.flatMap((frame) => [...encodeFrame(frame)]))))
      const outcome = restore(target, file, { modules: [small] })
      await expect(outcome, what).rejects.toMatchObject({ code: 'backup_invalid' })
    }
    expect(await contentOf(target)).toBe('')
  })

  it('is refused when it holds a table that nothing creates, or other columns', async () => {
    await using source = await testDatabase(inject('postgresUrl'))
    await migrateUp(source, [small])
    await source.sql('create table made_by_hand (id int)')
    await using target = await testDatabase(inject('postgresUrl'))
    await expect(restore(target, await backupOf(source), { modules: [small] })).rejects.toThrow(
      'made_by_hand',
    )
    await source.sql('drop table made_by_hand; alter table small add column more int')
    await expect(restore(target, await backupOf(source), { modules: [small] })).rejects.toThrow(
      'id, more, text',
    )
    expect(await contentOf(target)).toBe('')
  })
})

const sealBytes = 48
const noCount: Frame = { kind: 'end', content: { rows: 7 } }
const noRow: Frame = { kind: 'data', content: Buffer.from('no number\n') }

function sealed(gzipped: Buffer): Buffer {
  return Buffer.concat([
    gzipped,
    Buffer.from('BELFRY-SEAL-0001'),
    createHash('sha256').update(gzipped).digest(),
  ])
}

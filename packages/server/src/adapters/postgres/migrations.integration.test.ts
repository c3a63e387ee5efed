import { describe, expect, inject, it } from 'vitest'
import { until } from '../../engine/testing/until.ts'
import type { ConnectionOptions } from './connection.ts'
import { type Migrating, migrateDown, migrateUp, migrationStatus } from './migrations.ts'
import { startProxy } from './testing/proxy.ts'
import { type TestDatabase, testDatabase } from './testing/test-database.ts'

const notes: Migrating = {
  name: 'notes',
  migrations: [
    {
      id: '0001_create_notes',
      up: 'create table notes (id int primary key); insert into notes values (1);',
      down: 'drop table notes;',
    },
    {
      id: '0003_add_text',
      up: "alter table notes add column text text not null default '';",
      down: 'alter table notes drop column text;',
    },
  ],
}
const tags: Migrating = {
  name: 'tags',
  migrations: [{ id: '0002_create_tags', up: 'create table tags (id int)', down: 'drop table tags' }],
}
const modules = [notes, tags]

/** `notes` with further steps behind it. */
const withSteps = (...steps: { id: string; up: string; down?: string }[]): Migrating[] => [
  notes,
  tags,
  { name: 'further', migrations: steps.map((step) => ({ down: '', ...step })) },
]

const tablesOf = async (world: TestDatabase, schema = 'public') => {
  const rows = await world.sql('select tablename from pg_tables where schemaname = $1 order by 1', [schema])
  return rows.map(({ tablename }) => tablename)
}
const idsOf = (steps: readonly { id: string }[]) => steps.map(({ id }) => id)
const statesOf = async (connection: ConnectionOptions, list: readonly Migrating[] = modules) =>
  (await migrationStatus(connection, list)).map(({ id, state }) => `${id} ${state}`)

describe('migrations', () => {
  it('apply every step in the order of the ids, once, and say so', async () => {
    await using world = await testDatabase(inject('postgresUrl'))
    const seen: string[] = []
    const onStep = (step: { id: string; module: string; direction: string }) =>
      seen.push(`${step.module} ${step.id} ${step.direction}`)
    expect(idsOf(await migrateUp(world, modules, { onStep }))).toEqual([
      '0001_create_notes',
      '0002_create_tags',
      '0003_add_text',
    ])
    expect(seen).toEqual(['notes 0001_create_notes up', 'tags 0002_create_tags up', 'notes 0003_add_text up'])
    expect(await migrateUp(world, modules)).toEqual([])
    expect(await world.sql('select id, text from notes')).toEqual([{ id: 1, text: '' }])
  })

  it('have a status before, between and after', async () => {
    await using world = await testDatabase(inject('postgresUrl'))
    expect(await statesOf(world)).toEqual([
      '0001_create_notes pending',
      '0002_create_tags pending',
      '0003_add_text pending',
    ])
    await migrateUp(world, [notes])
    expect(await statesOf(world)).toEqual([
      '0001_create_notes applied',
      '0002_create_tags pending',
      '0003_add_text applied',
    ])
    expect(await statesOf(world, [tags])).toEqual([
      '0001_create_notes unknown',
      '0002_create_tags pending',
      '0003_add_text unknown',
    ])
    const [first] = await migrationStatus(world, modules)
    expect(Date.parse(first?.appliedAt ?? '')).toBeGreaterThan(Date.now() - 60_000)
  })

  it('keep to a schema of their own, which they create', async () => {
    await using world = await testDatabase(inject('postgresUrl'))
    const connection = { url: world.url, schema: 'Odd "name"' }
    await migrateUp(connection, modules)
    expect(await tablesOf(world, connection.schema)).toEqual(['migrations', 'notes', 'tags'])
    expect(await tablesOf(world)).toEqual([])
    expect(await statesOf(connection)).toEqual([
      '0001_create_notes applied',
      '0002_create_tags applied',
      '0003_add_text applied',
    ])
    expect((await statesOf(world))[0]).toBe('0001_create_notes pending')
  })

  it('go down by steps and to an id, and up again', async () => {
    await using world = await testDatabase(inject('postgresUrl'))
    await migrateUp(world, modules)
    expect(idsOf(await migrateDown(world, modules, { steps: 1 }))).toEqual(['0003_add_text'])
    expect(idsOf(await migrateDown(world, modules, { to: '0001_create_notes' }))).toEqual([
      '0002_create_tags',
    ])
    expect(await tablesOf(world)).toEqual(['migrations', 'notes'])
    expect(idsOf(await migrateDown(world, modules, { steps: 10 }))).toEqual(['0001_create_notes'])
    expect(await migrateDown(world, modules, { steps: 1 })).toEqual([])
    await expect(migrateDown(world, modules, { to: '0002_create_tags' })).rejects.toThrow('not applied')
    await migrateUp(world, modules)
    expect(await tablesOf(world)).toEqual(['migrations', 'notes', 'tags'])
  })

  it('leave nothing of a step that fails, name it and its line, and keep the steps before it', async () => {
    await using world = await testDatabase(inject('postgresUrl'))
    const broken = withSteps({
      id: '0004_half_done',
      up: '\n  create table half (id int);\n  create table other (id int);\n  insert into absent values (1);\n',
    })
    await expect(migrateUp(world, broken)).rejects.toMatchObject({
      code: 'migration_failed',
      message:
        'Migration 0004_half_done of module "further" failed in line 3: relation "absent" does not exist. Nothing of it was kept.',
    })
    expect(await tablesOf(world)).toEqual(['migrations', 'notes', 'tags'])
    expect((await statesOf(world, broken)).at(-1)).toBe('0004_half_done pending')
    const mended = withSteps({ id: '0004_half_done', up: 'create table half (id int)' })
    expect(idsOf(await migrateUp(world, mended))).toEqual(['0004_half_done'])
  })

  it('leave nothing of a step that cannot be recorded', async () => {
    await using world = await testDatabase(inject('postgresUrl'))
    const list = withSteps({
      id: '0004_unrecorded',
      up: "create table orphan (id int); alter table migrations add check (id <> '0004_unrecorded')",
    })
    await expect(migrateUp(world, list)).rejects.toMatchObject({ code: 'migration_failed' })
    expect(await tablesOf(world)).not.toContain('orphan')
    expect((await statesOf(world, list)).at(-1)).toBe('0004_unrecorded pending')
  })

  it('leave nothing of a way down that fails', async () => {
    await using world = await testDatabase(inject('postgresUrl'))
    const list = withSteps({
      id: '0004_more',
      up: 'create table more (id int)',
      down: 'drop table more; drop table absent',
    })
    await migrateUp(world, list)
    await expect(migrateDown(world, list, { steps: 2 })).rejects.toThrow('Undoing migration 0004_more')
    expect(await tablesOf(world)).toContain('more')
    expect((await statesOf(world, list)).at(-1)).toBe('0004_more applied')
  })

  it('refuse a step that ends its own transaction', async () => {
    await using world = await testDatabase(inject('postgresUrl'))
    for (const end of ['commit', 'commit; begin', 'rollback; begin']) {
      const list = withSteps({ id: '0004_ends', up: `select 1; ${end}` })
      await expect(migrateUp(world, list)).rejects.toThrow('ended the transaction')
      expect((await statesOf(world, list)).at(-1)).toBe('0004_ends pending')
    }
  })

  it('refuse data of a newer Belfry, up and down, and name what is unknown', async () => {
    await using world = await testDatabase(inject('postgresUrl'))
    await migrateUp(world, withSteps({ id: '0004_new', up: '' }, { id: '0005_newer', up: '' }))
    const attempts = [() => migrateUp(world, modules), () => migrateDown(world, modules, { steps: 1 })]
    for (const attempt of attempts) {
      await expect(attempt()).rejects.toMatchObject({
        code: 'schema_newer',
        message: expect.stringMatching(/newer Belfry.*0004_new, 0005_newer.*migrate down/),
      })
    }
  })

  it('refuse an applied step whose text was changed, but not one that was only laid out anew', async () => {
    await using world = await testDatabase(inject('postgresUrl'))
    await migrateUp(world, [tags])
    const [step] = tags.migrations
    const variant = (change: { up?: string; down?: string }): Migrating[] => [
      {
        name: 'tags',
        migrations: [{ id: step?.id ?? '', up: step?.up ?? '', down: step?.down ?? '', ...change }],
      },
    ]
    expect(await migrateUp(world, variant({ up: '\n  create table\n\ttags (id int) ' }))).toEqual([])
    for (const change of [{ up: 'create table tags (id bigint)' }, { down: 'drop table tags cascade' }]) {
      await expect(migrateUp(world, variant(change))).rejects.toMatchObject({
        code: 'schema_changed',
        message: expect.stringMatching('0002_create_tags'),
      })
      await expect(migrateDown(world, variant(change), { steps: 1 })).rejects.toThrow('0002_create_tags')
    }
  })

  it('refuse a step slipped in before applied ones of its module, and let a later module catch up', async () => {
    await using world = await testDatabase(inject('postgresUrl'))
    await migrateUp(world, [{ name: 'notes', migrations: notes.migrations.slice(1).map(harmless) }])
    await expect(
      migrateUp(world, [{ name: 'notes', migrations: notes.migrations.map(harmless) }]),
    ).rejects.toThrow('0001_create_notes of module "notes" is new, but 0003_add_text')
    const late = [{ name: 'notes', migrations: notes.migrations.slice(1).map(harmless) }, tags]
    expect(idsOf(await migrateUp(world, late))).toEqual(['0002_create_tags'])
  })

  it('refuse ids that are malformed, doubled or out of order', async () => {
    const attempt = (...lists: string[][]) =>
      migrateUp(
        { url: 'postgres://nobody@localhost:1/none' },
        lists.map((ids, n) => ({
          name: `module${n}`,
          migrations: ids.map((id) => ({ id, up: '', down: '' })),
        })),
      )
    expect(() => attempt(['1_short'])).toThrow('not like')
    expect(() => attempt(['0001_a'], ['0001_b'])).toThrow('one number')
    expect(() => attempt(['0001_a', '0001_a'])).toThrow('one number')
    expect(() => attempt(['0002_a', '0001_b'])).toThrow('out of order')
  })

  it('run once when eight servers start at the same time, and all of them succeed', async () => {
    await using world = await testDatabase(inject('postgresUrl'))
    const connection = { url: world.url, schema: 'started_together' }
    const slow = withSteps({ id: '0004_slow', up: 'select pg_sleep(0.2); create table slow (id int)' })
    const outcomes = await Promise.all(Array.from({ length: 8 }, () => migrateUp(connection, slow)))
    const applied = outcomes.filter((steps) => steps.length > 0)
    expect(applied.map(idsOf)).toEqual([
      ['0001_create_notes', '0002_create_tags', '0003_add_text', '0004_slow'],
    ])
  })

  it('go on where a killed server stopped, and the lock dies with it', async () => {
    await using world = await testDatabase(inject('postgresUrl'))
    const list = withSteps({ id: '0004_slow', up: 'create table slow (id int); select pg_sleep(30)' })
    const killed = migrateUp(world, list)
    const rejected = expect(killed).rejects.toMatchObject({
      code: 'migration_failed',
      message: expect.stringMatching('0004_slow'),
    })
    const sleeping = async () =>
      (await world.admin("select 1 from pg_stat_activity where datname = $1 and wait_event = 'PgSleep'", [
        world.name,
      ])) as unknown[]
    await until(async () => (await sleeping()).length === 1)
    await world.endSessions()
    await rejected
    expect(await tablesOf(world)).toEqual(['migrations', 'notes', 'tags'])
    const fast = withSteps({ id: '0004_slow', up: 'create table slow (id int)' })
    expect(idsOf(await migrateUp(world, fast))).toEqual(['0004_slow'])
  })

  it('wait for a database that is not there yet', async () => {
    await using world = await testDatabase(inject('postgresUrl'))
    await using proxy = await startProxy(world.url)
    await proxy.goAway()
    await expect(migrateUp(proxy, modules)).rejects.toMatchObject({
      name: 'ConnectError',
      reason: 'unreachable',
    })
    const migrated = migrateUp(proxy, modules, { patienceMs: 20_000 })
    await proxy.comeBack()
    expect(await migrated).toHaveLength(3)
  })

  it('need no right to create schemas when theirs exists', async () => {
    await using world = await testDatabase(inject('postgresUrl'))
    const role = `${world.name}_role`
    await world.admin(`create role ${role} login password 'pw'`)
    try {
      await world.sql(`create schema own authorization ${role}`)
      const url = world.url.replace(/\/\/[^@]*@/, `//${role}:pw@`)
      expect(await migrateUp({ url, schema: 'own' }, modules)).toHaveLength(3)
    } finally {
      await world.sql(`drop owned by ${role}`)
      await world.admin(`drop role ${role}`)
    }
  })
})

function harmless({ id }: { id: string }) {
  return { id, up: 'select 1', down: 'select 1' }
}

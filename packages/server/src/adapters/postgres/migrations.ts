/**
 * Brings a schema up to what the modules need, and back down. One server at a time does it, under a lock of
 * the database; the others wait and then find everything done. Each step is a transaction with its record,
 * so that a process killed between two steps loses nothing and the next start goes on from there.
 */
import type { MigrationView } from '@belfry/contract'
import pg from 'pg'
import type { Migration } from '../../engine/migration.ts'
import type { Module } from '../../engine/module.ts'
import { StartRefusal } from '../../engine/start-refusal.ts'
import { type ConnectionOptions, defaultSchema, endClient, openPlainClient } from './connection.ts'
import {
  type AppliedMigration,
  checksumOf,
  createMigrationTable,
  holdMigrationLock,
  readApplied,
} from './migration-record.ts'

/** What has migrations: every module. */
export interface Migrating extends Pick<Module, 'name' | 'migrations'> {
  /** SQL that follows when a backup was read, in the same transaction: what must not be as it was. */
  readonly afterRestore?: string
}

export interface MigrationStep {
  readonly module: string
  readonly id: string
  readonly direction: 'up' | 'down'
}

export interface MigrateOptions {
  /** Called before each step. */
  readonly onStep?: (step: MigrationStep) => void
  /** How long to try while the database cannot be reached. Default 0: once. */
  readonly patienceMs?: number
}

/** Which steps to undo: the latest so many, or all that come after the one with this id. */
export type DownTarget = { readonly steps: number } | { readonly to: string }

export interface KnownMigration extends Migration {
  readonly module: string
}

/** Applies what is missing, in the order of the ids, and returns it. */
export function migrateUp(
  connection: ConnectionOptions,
  modules: readonly Migrating[],
  options: MigrateOptions = {},
): Promise<MigrationStep[]> {
  const known = orderedMigrations(modules)
  return withLock(connection, options, async (client) => {
    await createMigrationTable(client, connection.schema ?? defaultSchema)
    const applied = await readApplied(client)
    refuseForeignHistory(known, applied)
    const pending = pendingOf(known, applied)
    return await runSteps(client, pending, 'up', options)
  })
}

/** Undoes steps, the latest id first, and returns them. */
export function migrateDown(
  connection: ConnectionOptions,
  modules: readonly Migrating[],
  target: DownTarget,
  options: MigrateOptions = {},
): Promise<MigrationStep[]> {
  const known = orderedMigrations(modules)
  return withLock(connection, options, async (client) => {
    const applied = await readApplied(client)
    refuseForeignHistory(known, applied)
    const isApplied = new Set(applied.map(({ id }) => id))
    const undoable = known.filter(({ id }) => isApplied.has(id)).toReversed()
    return await runSteps(client, undoable.slice(0, countOf(target, undoable)), 'down', options)
  })
}

/** Every migration that the code or the database knows, in the order of the ids. Changes nothing. */
export async function migrationStatus(
  connection: ConnectionOptions,
  modules: readonly Migrating[],
): Promise<MigrationView[]> {
  const known = orderedMigrations(modules)
  const client = await openPlainClient(connection)
  try {
    const applied = await readApplied(client)
    const appliedAt = new Map(applied.map((record) => [record.id, record.appliedAt]))
    const isKnown = new Set(known.map(({ id }) => id))
    const views = known.map(({ module, id }): MigrationView => {
      const at = appliedAt.get(id)
      return at === undefined
        ? { module, id, state: 'pending' }
        : { module, id, state: 'applied', appliedAt: at.toISOString() }
    })
    const unknown = applied
      .filter(({ id }) => !isKnown.has(id))
      .map(({ module, id, appliedAt }): MigrationView => {
        return { module, id, state: 'unknown', appliedAt: appliedAt.toISOString() }
      })
    return [...views, ...unknown].toSorted((a, b) => numberOf(a.id) - numberOf(b.id))
  } finally {
    await endClient(client)
  }
}

/** Checks ids, which are the program's own, and throws what only its authors can mend. */
export function orderedMigrations(modules: readonly Migrating[]): KnownMigration[] {
  const byNumber = new Map<number, KnownMigration>()
  for (const { name: module, migrations } of modules) {
    let before = -1
    for (const migration of migrations) {
      const { id } = migration
      if (!/^\d{4}_[a-z0-9_]+$/.test(id)) {
        throw new Error(`The migration id "${id}" of module "${module}" is not like 0001_create_things.`)
      }
      const number = numberOf(id)
      const same = byNumber.get(number)
      if (same !== undefined) {
        throw new Error(
          `The migrations ${same.id} (module "${same.module}") and ${id} (module "${module}") have one number.`,
        )
      }
      if (number < before) throw new Error(`The migration ${id} of module "${module}" is out of order.`)
      before = number
      byNumber.set(number, { ...migration, module })
    }
  }
  return [...byNumber.values()].toSorted((a, b) => numberOf(a.id) - numberOf(b.id))
}

/** Runs the step's commands as they are. Belongs into a transaction. */
export async function runMigration(
  client: pg.Client,
  migration: KnownMigration,
  direction: 'up' | 'down',
): Promise<void> {
  const commands = migration[direction]
  const name = `${direction === 'up' ? 'Migration' : 'Undoing migration'} ${migration.id} of module "${migration.module}"`
  const before = await transactionId(client)
  try {
    await client.query(commands)
  } catch (error) {
    if (!(error instanceof pg.DatabaseError)) throw connectionLost(name, error)
    const sentence = `${name} failed${placeOf(error, commands)}: ${error.message}. Nothing of it was kept.`
    throw new StartRefusal('migration_failed', sentence, { cause: error })
  }
  if ((await transactionId(client)) !== before) {
    throw new StartRefusal(
      'migration_failed',
      `${name} ended the transaction it ran in. Take "commit" and "rollback" out of it.`,
    )
  }
}

/** A database that newer code or other code wrote is left alone. */
export function refuseForeignHistory(
  known: readonly KnownMigration[],
  applied: readonly Pick<AppliedMigration, 'id' | 'checksum'>[],
): void {
  const byId = new Map(known.map((migration) => [migration.id, migration]))
  const unknown = applied.filter(({ id }) => !byId.has(id)).map(({ id }) => id)
  if (unknown.length > 0) {
    throw new StartRefusal(
      'schema_newer',
      `This data belongs to a newer Belfry: it has ${listed(unknown)}, which this version does not know. Start the newer version, or go back with its "belfry migrate down" first.`,
    )
  }
  const changed = applied.filter(({ id, checksum }) => {
    const migration = byId.get(id)
    return migration !== undefined && checksumOf(migration) !== checksum
  })
  if (changed.length > 0) {
    throw new StartRefusal(
      'schema_changed',
      `${listed(changed.map(({ id }) => id))} was applied with another content than this version has. An applied migration is never edited: restore its text, and put the change into a new one.`,
    )
  }
}

/**
 * A module that came later may catch up behind the others' steps. Within one module the order is strict:
 * a step before an applied one was slipped in, and may rest on tables that are different by now.
 */
function pendingOf(known: readonly KnownMigration[], applied: readonly AppliedMigration[]): KnownMigration[] {
  const isApplied = new Set(applied.map(({ id }) => id))
  const pending = known.filter(({ id }) => !isApplied.has(id))
  for (const { module, id } of pending) {
    const later = known.find(
      (other) => other.module === module && isApplied.has(other.id) && numberOf(other.id) > numberOf(id),
    )
    if (later === undefined) continue
    throw new StartRefusal(
      'schema_changed',
      `Migration ${id} of module "${module}" is new, but ${later.id} after it was applied already. Give it a number after ${later.id}.`,
    )
  }
  return pending
}

async function runSteps(
  client: pg.Client,
  migrations: readonly KnownMigration[],
  direction: 'up' | 'down',
  { onStep }: MigrateOptions,
): Promise<MigrationStep[]> {
  const done: MigrationStep[] = []
  for (const migration of migrations) {
    const step: MigrationStep = { module: migration.module, id: migration.id, direction }
    onStep?.(step)
    await client.query('begin')
    try {
      await runMigration(client, migration, direction)
      await (direction === 'up' ? recordApplied(client, migration) : recordUndone(client, migration))
      await client.query('commit')
    } catch (error) {
      await client.query('rollback').catch(() => undefined)
      throw error instanceof StartRefusal ? error : connectionLost(`Migration ${migration.id}`, error)
    }
    done.push(step)
  }
  return done
}

async function recordApplied(client: pg.Client, migration: KnownMigration): Promise<void> {
  await client.query('insert into migrations (module, id, checksum) values ($1, $2, $3)', [
    migration.module,
    migration.id,
    checksumOf(migration),
  ])
}

async function recordUndone(client: pg.Client, { id }: KnownMigration): Promise<void> {
  await client.query('delete from migrations where id = $1', [id])
}

async function withLock<Result>(
  connection: ConnectionOptions,
  { patienceMs }: MigrateOptions,
  work: (client: pg.Client) => Promise<Result>,
): Promise<Result> {
  const client = await openPlainClient(connection, patienceMs)
  try {
    await holdMigrationLock(client, connection.schema ?? defaultSchema, 'alone')
    return await work(client)
  } finally {
    await endClient(client)
  }
}

function countOf(target: DownTarget, undoable: readonly KnownMigration[]): number {
  if ('steps' in target) return target.steps
  const index = undoable.findIndex(({ id }) => id === target.to)
  if (index < 0)
    throw new Error(`The migration ${target.to} is not applied, so there is no going back to it.`)
  return index
}

async function transactionId(client: pg.Client): Promise<string> {
  const { rows } = await client.query<{ id: string }>('select pg_current_xact_id()::text as id')
  return rows[0]?.id ?? ''
}

function connectionLost(name: string, cause: unknown): StartRefusal {
  const reason = cause instanceof Error ? cause.message : String(cause)
  return new StartRefusal(
    'migration_failed',
    `${name} was interrupted: ${reason}. Start again: it goes on from where it stopped.`,
    { cause },
  )
}

/** Where in the step's commands, for a person. */
function placeOf(error: pg.DatabaseError, commands: string): string {
  if (error.position === undefined) return ''
  const before = commands.slice(0, Number(error.position) - 1).trimStart()
  return ` in line ${before.split('\n').length}`
}

function numberOf(id: string): number {
  return Number.parseInt(id, 10)
}

function listed(ids: readonly string[]): string {
  return ids.length === 1 ? `migration ${ids[0]}` : `the migrations ${ids.join(', ')}`
}

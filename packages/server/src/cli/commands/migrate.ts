/** `belfry migrate`: looks at the schema's steps, applies them, undoes them, and begins new ones. */
import { parseArgs } from 'node:util'
import type { ConnectionOptions } from '../../adapters/postgres/connection.ts'
import { migrateDown, migrationStatus } from '../../adapters/postgres/migrations.ts'
import { migrateOpened } from '../../server/migrate.ts'
import { schemaModules } from '../../server/schema.ts'
import { type Command, type CommandContext, CommandFailure, UsageError } from '../command.ts'
import { createMigrationFile } from '../create-migration.ts'
import { withDatabase } from '../with-database.ts'

export const migrate: Command = {
  usage: `Usage: belfry migrate up
       belfry migrate down [--steps N | --to ID]
       belfry migrate status [--json]
       belfry migrate create MODULE NAME

  up      apply every step that is missing (belfry start does this by itself)
  down    undo the latest step, the latest N, or all after ID; what they held is lost
  status  which steps are applied
  create  begin a new step of a module, in a clone of the repository`,

  async run(words, context) {
    const [action, ...rest] = words
    switch (action) {
      case 'up':
        return up(rest, context)
      case 'down':
        return down(rest, context)
      case 'status':
        return status(rest, context)
      case 'create':
        return create(rest, context)
      default:
        throw new UsageError(
          `"belfry migrate" needs one of up, down, status and create${action === undefined ? '' : `, not "${action}"`}.`,
        )
    }
  },
}

async function up(words: readonly string[], context: CommandContext): Promise<number> {
  parseArgs({ args: [...words], options: {} })
  return withDatabase(context, 'share', async ({ opened }) => {
    const applied = await migrateOpened(opened, schemaModules, {
      onStep: ({ id }) => context.terminal.progress(`Applying ${id}`),
    })
    for (const { module, id } of applied) context.terminal.done(`${id} (${module})`)
    context.terminal.print(
      applied.length === 0 ? 'Everything is applied already.' : `${applied.length} applied.`,
    )
    return 0
  })
}

async function down(words: readonly string[], context: CommandContext): Promise<number> {
  const { values } = parseArgs({
    args: [...words],
    options: { steps: { type: 'string' }, to: { type: 'string' } },
  })
  if (values.steps !== undefined && values.to !== undefined)
    throw new UsageError('--steps and --to exclude each other: give one of them.')
  const steps = Number(values.steps ?? 1)
  if (!/^\d+$/.test(values.steps ?? '1') || !Number.isSafeInteger(steps) || steps < 1)
    throw new UsageError('--steps takes a whole number from 1 on.')
  const target = values.to === undefined ? { steps } : { to: values.to }
  // Alone: a server that runs on the schema must not lose it under its feet.
  return withDatabase(context, 'own', async ({ opened }) => {
    if (values.to !== undefined) await refuseUnapplied(values.to, opened.connection)
    const undone = await migrateDown(opened.connection, schemaModules, target, {
      onStep: ({ id }) => context.terminal.progress(`Undoing ${id}`),
    })
    for (const { module, id } of undone) context.terminal.done(`${id} (${module})`)
    context.terminal.print(undone.length === 0 ? 'There was nothing to undo.' : `${undone.length} undone.`)
    return 0
  })
}

async function refuseUnapplied(to: string, connection: ConnectionOptions): Promise<void> {
  const steps = await migrationStatus(connection, schemaModules)
  if (steps.some(({ id, state }) => id === to && state !== 'pending')) return
  throw new CommandFailure(
    `The migration ${to} is not applied, so there is no going back to it; "belfry migrate status" lists those that are.`,
  )
}

async function status(words: readonly string[], context: CommandContext): Promise<number> {
  const { values } = parseArgs({ args: [...words], options: { json: { type: 'boolean' } } })
  return withDatabase(context, 'share', async ({ opened }) => {
    const steps = await migrationStatus(opened.connection, schemaModules)
    if (values.json) {
      context.terminal.print(JSON.stringify(steps, null, 2))
      return 0
    }
    for (const { module, id, state, appliedAt } of steps) {
      context.terminal.print(
        `${state.padEnd(8)}  ${id}  (${module})${appliedAt === undefined ? '' : `  ${appliedAt}`}`,
      )
    }
    return 0
  })
}

async function create(words: readonly string[], { terminal }: CommandContext): Promise<number> {
  const { positionals } = parseArgs({ args: [...words], options: {}, allowPositionals: true })
  const [module, name] = positionals
  if (module === undefined || name === undefined || positionals.length > 2) {
    throw new UsageError(
      '"belfry migrate create" needs a module and a name, such as: belfry migrate create access add_device_names',
    )
  }
  terminal.print(createMigrationFile(module, name))
  return 0
}

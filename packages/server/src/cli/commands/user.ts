/** `belfry user`: users for applications that have no identity provider. */
import { parseArgs } from 'node:util'
import { Refusal } from '@belfry/contract'
import {
  type Grants,
  openAuthentication,
  type Users,
  usersListed,
} from '../../server/authentication-beside.ts'
import { claimsOptions, readId, readList } from '../claims-options.ts'
import { type Command, type CommandContext, CommandFailure, UsageError } from '../command.ts'
import { askPassword } from '../password.ts'
import { tokenSecret } from '../token-secret.ts'
import { withDatabase } from '../with-database.ts'

export const user: Command = {
  usage: `Usage: belfry user add ID [--name NAME] [--workspaces IDS] [--teams IDS] [--roles NAMES] [--permissions NAMES]
       belfry user list
       belfry user password ID
       belfry user grant ID [--name NAME] [--workspaces IDS] [--teams IDS] [--roles NAMES] [--permissions NAMES]
       belfry user remove ID

  add       a user who signs in with ID and a password
  password  sets another password, and ends every login of the user
  grant     replaces the lists that are given; in force when a token is renewed
  remove    the user, every login and every token

Lists have commas between; --workspaces "" empties one. The password is asked for, or is the first line of the input:
  printf '%s\\n' "$PASSWORD" | belfry user add ana --workspaces acme
Run it with the same settings (BELFRY_DATA_DIR or DATABASE_URL) as the server, which may run meanwhile.`,

  async run(words, context) {
    const [action, ...rest] = words
    const run = action === undefined || !Object.hasOwn(actions, action) ? undefined : actions[action]
    if (run === undefined)
      throw new UsageError(`"belfry user" takes one of ${Object.keys(actions).join(', ')}.`)
    return run(rest, context)
  },
}

const actions: Readonly<
  Record<string, (words: readonly string[], context: CommandContext) => Promise<number>>
> = {
  async add(words, context) {
    const { id, grants } = readUser('add', words)
    const password = await askPassword(process.stdin, process.stderr)
    return withUsers(context, async (users) => {
      await users.add({ id, password, ...noGrants, ...grants })
      context.terminal.print(`Added ${id}.`)
    })
  },
  async list(words, context) {
    parseArgs({ args: [...words], options: {} })
    return withUsers(context, async (users) => {
      let page = await users.list()
      while (page.length > 0) {
        for (const { id, name, ...lists } of page)
          context.terminal.print([id, name ?? '', ...Object.values(namesOf(lists))].join('\t').trimEnd())
        page = page.length < usersListed ? [] : await users.list(page.at(-1)?.id)
      }
    })
  },
  async password(words, context) {
    const { id } = readUser('password', words, {})
    const password = await askPassword(process.stdin, process.stderr)
    return withUsers(context, async (users) => {
      refuseUnknown(await users.setPassword(id, password), id)
      context.terminal.print(`Changed the password of ${id}; every login has ended.`)
    })
  },
  async grant(words, context) {
    const { id, grants } = readUser('grant', words)
    return withUsers(context, async (users) => {
      refuseUnknown(await users.grant(id, grants), id)
      context.terminal.print(
        `Changed ${id}. Tokens that were issued say what they said; "belfry revoke --user ${id}" ends them.`,
      )
    })
  },
  async remove(words, context) {
    const { id } = readUser('remove', words, {})
    return withUsers(context, async (users) => {
      refuseUnknown(await users.remove(id), id)
      context.terminal.print(`Removed ${id}; every login has ended.`)
    })
  },
}

const noGrants: Grants = { name: null, workspaces: [], teams: [], roles: [], permissions: [] }

interface GivenGrants {
  readonly name?: string
  readonly workspaces?: string
  readonly teams?: string
  readonly roles?: string
  readonly permissions?: string
}

function readUser(action: string, words: readonly string[], options: object = claimsOptions) {
  const parsed = parseArgs({
    args: [...words],
    options: options as typeof claimsOptions,
    allowPositionals: true,
  })
  const values: GivenGrants = parsed.values
  const { positionals } = parsed
  const [given, ...more] = positionals
  if (given === undefined || more.length > 0)
    throw new UsageError(
      `"belfry user ${action}" takes the id of one user, such as: belfry user ${action} ana`,
    )
  const list = (name: 'workspaces' | 'teams' | 'roles' | 'permissions') => {
    const text = values[name]
    if (text === undefined) return {}
    return { [name]: text === '' ? [] : readList(`--${name}`, text) }
  }
  const grants: Partial<Grants> = {
    ...(values.name === undefined ? {} : { name: values.name === '' ? null : values.name }),
    ...list('workspaces'),
    ...list('teams'),
    ...list('roles'),
    ...list('permissions'),
  }
  return { id: readId('The id', given), grants }
}

function namesOf({ workspaces, teams, roles, permissions }: Omit<Grants, 'name'>) {
  const entries = Object.entries({ workspaces, teams, roles, permissions })
  return entries.filter(([, list]) => list.length > 0).map(([name, list]) => `${name}=${list.join(',')}`)
}

function refuseUnknown(found: boolean, id: string): void {
  if (!found)
    throw new CommandFailure(`There is no user ${JSON.stringify(id)}; "belfry user list" shows all.`)
}

async function withUsers(context: CommandContext, work: (users: Users) => Promise<void>): Promise<number> {
  return withDatabase(context, 'share', async ({ opened, settings, logger }) => {
    const { authentication, close } = await openAuthentication({
      opened,
      settings,
      logger,
      jwtSecret: tokenSecret(settings),
    })
    try {
      await work(authentication.users)
      return 0
    } catch (error) {
      throw error instanceof Refusal ? new CommandFailure(sentenceOf(error), { cause: error }) : error
    } finally {
      await close()
    }
  })
}

/** What is wrong with what was given; what a token cannot carry says so itself. */
export function sentenceOf({ message, fields }: Refusal): string {
  const [field] = fields ?? []
  return field === undefined ? message : `The ${field.path} ${field.message}.`
}

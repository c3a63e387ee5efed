/** Users, for applications that have no identity provider: kept by whoever runs the server. */
import { idLengthMax, parseId, passwordLengthMax, passwordLengthMin, Refusal } from '@belfry/contract'
import type { Clock } from '../../engine/ports/clock.ts'
import type { Database } from '../../engine/ports/database.ts'
import type { Passwords } from './passwords.ts'
import type { Revoking } from './revoking.ts'
import {
  deleteUser,
  findUser,
  type Grants,
  insertUser,
  listUsers,
  type UserRow,
  updateGrants,
  updatePassword,
} from './store.ts'

export interface UsersOptions {
  readonly database: Database
  readonly clock: Clock
  readonly passwords: Passwords
  readonly revoking: Revoking
  /** Throws where a token could not carry these. */
  checkGrants(id: string, grants: Grants): void
}

export interface UserView extends Grants {
  readonly id: string
  readonly createdAt: Date
}

export interface Users {
  /** Refuses with `validation_failed` where something is wrong, or there is a user of this id. */
  add(user: { readonly id: string; readonly password: string } & Grants): Promise<void>
  /** In the order of their ids, after this one. */
  list(after?: string): Promise<readonly UserView[]>
  find(id: string): Promise<UserView | undefined>
  /** In force with the next token; those that were issued keep what they say. False where there is no such user. */
  grant(id: string, grants: Partial<Grants>): Promise<boolean>
  /** Ends every login and token of the user. False where there is no such user. */
  setPassword(id: string, password: string): Promise<boolean>
  /** With every login and token. False where there is no such user. */
  remove(id: string): Promise<boolean>
}

/** Users of one page of a list. */
export const usersListed = 200

export function createUsers(options: UsersOptions): Users {
  const { database, clock, passwords, revoking } = options
  const now = () => new Date(clock.now())

  return {
    async add({ id, password, ...grants }) {
      if (!parseId(id)?.isWellFormed())
        throw wrong('user', `must have 1 to ${idLengthMax} characters, none of them a control character`)
      options.checkGrants(id, grants)
      const passwordHash = await passwords.hash(checkedPassword(password))
      if (!(await insertUser(database, { id, ...grants, passwordHash }, now())))
        throw wrong('user', 'is taken: there is a user of this id')
    },
    async list(after = '') {
      return (await listUsers(database, after, usersListed)).map(viewOf)
    },
    async find(id) {
      const row = await findUser(database, id)
      return row === undefined ? undefined : viewOf(row)
    },
    async grant(id, given) {
      const known = await findUser(database, id)
      if (known === undefined) return false
      const { name, workspaces, teams, roles, permissions } = { ...known, ...given }
      const grants = { name, workspaces, teams, roles, permissions }
      options.checkGrants(id, grants)
      return updateGrants(database, id, grants, now())
    },
    async setPassword(id, password) {
      const passwordHash = await passwords.hash(checkedPassword(password))
      return database.transaction(async (transaction) => {
        if (!(await updatePassword(transaction, id, passwordHash, now()))) return false
        await revoking.endUser(transaction, id)
        return true
      })
    },
    async remove(id) {
      return database.transaction(async (transaction) => {
        if (!(await deleteUser(transaction, id))) return false
        await revoking.endUser(transaction, id)
        return true
      })
    },
  }
}

function checkedPassword(password: string): string {
  if (password.length < passwordLengthMin || password.length > passwordLengthMax)
    throw wrong('password', `must have ${passwordLengthMin} to ${passwordLengthMax} characters`)
  return password
}

function viewOf({ id, name, workspaces, teams, roles, permissions, createdAt }: UserRow): UserView {
  return { id, name, workspaces, teams, roles, permissions, createdAt }
}

function wrong(path: string, message: string): Refusal {
  return new Refusal('validation_failed', undefined, { fields: [{ path, message }] })
}

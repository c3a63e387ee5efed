/** The SQL of users and logins. Times come from the caller; a login that is over is as good as none, swept or not. */
import type { Queryable } from '../../engine/ports/database.ts'
import { sql } from '../../engine/sql.ts'

/** What a user's tokens say of them. */
export interface Grants {
  readonly name: string | null
  readonly workspaces: readonly string[]
  readonly teams: readonly string[]
  readonly roles: readonly string[]
  readonly permissions: readonly string[]
}

export interface UserRow extends Grants {
  readonly id: string
  readonly passwordHash: string
  readonly createdAt: Date
}

export interface LoginRow {
  readonly id: string
  readonly userId: string
  readonly turnHash: Buffer
  readonly turnNonce: Buffer | null
  readonly previousTurnHash: Buffer | null
  readonly turnedAt: Date
  readonly createdAt: Date
  readonly expiresAt: Date
}

const columns = sql`id, name, workspaces, teams, roles, permissions, password_hash as "passwordHash", created_at as "createdAt"`

/** False where there is a user of this id. */
export async function insertUser(
  database: Queryable,
  user: Omit<UserRow, 'createdAt'>,
  now: Date,
): Promise<boolean> {
  const rows = await database.query(sql<{ id: string }>`
    insert into users (id, name, workspaces, teams, roles, permissions, password_hash, created_at, changed_at)
    values (${user.id}, ${user.name}, ${user.workspaces}, ${user.teams}, ${user.roles}, ${user.permissions},
      ${user.passwordHash}, ${now}, ${now})
    on conflict (id) do nothing returning id`)
  return rows.length > 0
}

export async function findUser(database: Queryable, id: string): Promise<UserRow | undefined> {
  const [row] = await database.query(sql<UserRow>`select ${columns} from users where id = ${id}`)
  return row
}

/** In the order of their ids, after this one. */
export async function listUsers(
  database: Queryable,
  after: string,
  limit: number,
): Promise<readonly UserRow[]> {
  return database.query(sql<UserRow>`
    select ${columns} from users where id > ${after} order by id limit ${limit}`)
}

/** False where there is no such user. */
export async function updateGrants(
  database: Queryable,
  id: string,
  { name, workspaces, teams, roles, permissions }: Grants,
  now: Date,
): Promise<boolean> {
  const rows = await database.query(sql<{ id: string }>`
    update users set name = ${name}, workspaces = ${workspaces}, teams = ${teams}, roles = ${roles},
      permissions = ${permissions}, changed_at = ${now}
    where id = ${id} returning id`)
  return rows.length > 0
}

/** False where there is no such user. */
export async function updatePassword(
  database: Queryable,
  id: string,
  passwordHash: string,
  now: Date,
): Promise<boolean> {
  const rows = await database.query(sql<{ id: string }>`
    update users set password_hash = ${passwordHash}, changed_at = ${now} where id = ${id} returning id`)
  return rows.length > 0
}

/** The same password, hashed anew; nothing where it was changed meanwhile. */
export async function replaceHash(
  database: Queryable,
  id: string,
  { from, to }: { readonly from: string; readonly to: string },
): Promise<void> {
  await database.query(
    sql`update users set password_hash = ${to} where id = ${id} and password_hash = ${from}`,
  )
}

/** False where there is no such user. Its logins go with it. */
export async function deleteUser(database: Queryable, id: string): Promise<boolean> {
  return (
    (await database.query(sql<{ id: string }>`delete from users where id = ${id} returning id`)).length > 0
  )
}

export interface NewLogin {
  readonly id: string
  readonly userId: string
  readonly secretHash: Buffer
  readonly turnHash: Buffer
  readonly createdAt: Date
  readonly expiresAt: Date
}

/** False where the password is another one by now, or the user gone: they are locked until the commit. */
export async function insertLogin(
  database: Queryable,
  login: NewLogin,
  passwordHashes: readonly string[],
): Promise<boolean> {
  const rows = await database.query(sql<{ id: string }>`
    insert into logins (id, user_id, secret_hash, turn_hash, turned_at, created_at, expires_at)
    select ${login.id}, id, ${login.secretHash}::bytea, ${login.turnHash}::bytea, ${login.createdAt}::timestamptz,
      ${login.createdAt}::timestamptz, ${login.expiresAt}::timestamptz
    from users where id = ${login.userId} and password_hash = any(${passwordHashes}) for share
    returning id`)
  return rows.length > 0
}

/** Its row is locked until the transaction ends. */
export async function findLogin(database: Queryable, secretHash: Buffer): Promise<LoginRow | undefined> {
  const [row] = await database.query(sql<LoginRow>`
    select id, user_id as "userId", turn_hash as "turnHash", turn_nonce as "turnNonce",
      previous_turn_hash as "previousTurnHash", turned_at as "turnedAt", created_at as "createdAt", expires_at as "expiresAt"
    from logins where secret_hash = ${secretHash} for update`)
  return row
}

export async function turnLogin(
  database: Queryable,
  id: string,
  turn: { readonly previousHash: Buffer; readonly nonce: Buffer; readonly hash: Buffer; readonly at: Date },
): Promise<void> {
  await database.query(sql`
    update logins set previous_turn_hash = ${turn.previousHash}, turn_nonce = ${turn.nonce}, turn_hash = ${turn.hash},
      turned_at = ${turn.at}
    where id = ${id}`)
}

/** False where there is no such login. */
export async function deleteLogin(database: Queryable, id: string): Promise<boolean> {
  return (
    (await database.query(sql<{ id: string }>`delete from logins where id = ${id} returning id`)).length > 0
  )
}

/** Of one user, or of everybody. */
export async function deleteLoginsBefore(
  database: Queryable,
  userId: string | undefined,
  before: Date,
): Promise<void> {
  if (userId === undefined) await database.query(sql`delete from logins where created_at < ${before}`)
  else await database.query(sql`delete from logins where user_id = ${userId} and created_at < ${before}`)
}

/** All but the newest of a user; their ids. */
export async function findOldestLogins(
  database: Queryable,
  userId: string,
  kept: number,
): Promise<readonly string[]> {
  const rows = await database.query(sql<{ id: string }>`
    select id from logins where user_id = ${userId} order by created_at desc, id offset ${kept}`)
  return rows.map(({ id }) => id)
}

export async function deleteExpiredLogins(database: Queryable, now: Date): Promise<void> {
  await database.query(sql`delete from logins where expires_at <= ${now}`)
}

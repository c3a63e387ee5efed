/** The SQL of access. Times come from the caller; an expired row is as good as none, swept or not. */
import type { Queryable } from '../../engine/ports/database.ts'
import { sql } from '../../engine/sql.ts'

export interface SignInLink {
  readonly tokenHash: Buffer
  readonly name: string
  readonly roles: readonly string[]
  readonly createdAt: Date
  readonly expiresAt: Date
}

export interface NewSession {
  readonly tokenHash: Buffer
  readonly createdAt: Date
  readonly expiresAt: Date
}

export interface SessionRow {
  readonly name: string
  readonly roles: string[]
  readonly expiresAt: Date
}

export async function insertLink(database: Queryable, link: SignInLink): Promise<void> {
  await database.query(sql`
    insert into sign_in_links (token_hash, name, roles, created_at, expires_at)
    values (${link.tokenHash}, ${link.name}, ${link.roles}, ${link.createdAt}, ${link.expiresAt})
  `)
}

/**
 * Turns a link into a session. One statement: of many that try at once, the first deletes the link and the
 * others, having waited for its row, find nothing.
 */
export async function exchangeLink(
  database: Queryable,
  linkHash: Buffer,
  session: NewSession,
): Promise<SessionRow | undefined> {
  const [row] = await database.query(sql<SessionRow>`
    with link as (
      delete from sign_in_links
      where token_hash = ${linkHash} and expires_at > ${session.createdAt}
      returning name, roles
    )
    insert into operator_sessions (token_hash, name, roles, created_at, expires_at)
    select ${session.tokenHash}::bytea, name, roles, ${session.createdAt}::timestamptz, ${session.expiresAt}::timestamptz
    from link
    returning name, roles, expires_at as "expiresAt"
  `)
  return row
}

export async function findSession(
  database: Queryable,
  tokenHash: Buffer,
  now: Date,
): Promise<SessionRow | undefined> {
  const [row] = await database.query(sql<SessionRow>`
    select name, roles, expires_at as "expiresAt"
    from operator_sessions
    where token_hash = ${tokenHash} and expires_at > ${now}
  `)
  return row
}

export async function deleteSession(database: Queryable, tokenHash: Buffer): Promise<void> {
  await database.query(sql`delete from operator_sessions where token_hash = ${tokenHash}`)
}

export async function deleteExpired(database: Queryable, now: Date): Promise<void> {
  await database.query(sql`delete from sign_in_links where expires_at <= ${now}`)
  await database.query(sql`delete from operator_sessions where expires_at <= ${now}`)
}

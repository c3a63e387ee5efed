/** Databases and users on a PostgreSQL of the operator's, as one sets them up for Belfry. */
import { randomBytes } from 'node:crypto'
import type { DebianPostgres } from '../../tooling/debian-postgres.ts'
import { createWorld, type Worlds } from '../cli/world.ts'

export interface Login {
  readonly user: string
  readonly password: string
}

/** A user that may log in, and nothing else. */
export async function createUser({ sql }: DebianPostgres): Promise<Login> {
  const user = `app_${randomBytes(4).toString('hex')}`
  const password = randomBytes(8).toString('hex')
  await sql(`create role ${user} login password '${password}'`)
  return { user, password }
}

export async function createDatabase({ sql }: DebianPostgres, owner = 'postgres'): Promise<string> {
  const name = `belfry_${randomBytes(4).toString('hex')}`
  await sql(`create database ${name} owner ${owner}`)
  return name
}

/** A world with a database of its own, which belongs to a user without further rights. */
export function externalWorlds(postgres: () => DebianPostgres): Worlds {
  return {
    kind: 'external',
    inUse: /A Belfry server is connected to this database: stop it first/,
    async create() {
      const login = await createUser(postgres())
      const database = await createDatabase(postgres(), login.user)
      return createWorld({ DATABASE_URL: postgres().urlOf({ ...login, database }) }, async () => {
        await postgres().sql(`drop database ${database}`)
        await postgres().sql(`drop role ${login.user}`)
      })
    },
  }
}

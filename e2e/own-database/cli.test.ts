/** The commands on a PostgreSQL of the operator's: over TCP, with a password, as a user without further rights. */
import { afterAll, beforeAll } from 'vitest'
import { type DebianPostgres, startDebianPostgres } from '../../tooling/debian-postgres.ts'
import { backupSuite } from '../cli/backup-suite.ts'
import { linkSuite } from '../cli/link-suite.ts'
import { migrateSuite } from '../cli/migrate-suite.ts'
import { externalWorlds } from './database.ts'

let postgres: DebianPostgres

beforeAll(async () => {
  postgres = await startDebianPostgres()
})
afterAll(() => postgres?.stop())

const worlds = externalWorlds(() => postgres)
migrateSuite(worlds)
linkSuite(worlds)
backupSuite(worlds)

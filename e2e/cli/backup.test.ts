/** `belfry backup` on the PostgreSQL that Belfry brings; e2e/own-database has it on the operator's. */
import { backupSuite } from './backup-suite.ts'
import { embeddedWorlds } from './world.ts'

backupSuite(embeddedWorlds)

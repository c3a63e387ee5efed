/** `belfry migrate` on the PostgreSQL that Belfry brings; e2e/own-database has it on the operator's. */
import { migrateSuite } from './migrate-suite.ts'
import { embeddedWorlds } from './world.ts'

migrateSuite(embeddedWorlds)

/** `belfry link` on the PostgreSQL that Belfry brings; e2e/own-database has it on the operator's. */
import { linkSuite } from './link-suite.ts'
import { embeddedWorlds } from './world.ts'

linkSuite(embeddedWorlds)

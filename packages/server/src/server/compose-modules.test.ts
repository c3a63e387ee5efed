import { expect, it } from 'vitest'
import { silentLogger } from '../adapters/postgres/testing/silent-logger.ts'
import { createMemoryRevocations } from '../engine/memory/revocations.ts'
import { systemClock } from '../engine/ports/clock.ts'
import type { RequestKeys } from '../engine/ports/request-keys.ts'
import { createTestClock } from '../engine/testing/test-clock.ts'
import { composeModules } from './compose-modules.ts'
import type { OpenedDatabase } from './open-database.ts'
import { ownSchema, schemaModules } from './schema.ts'
import type { Sockets } from './serve-sockets.ts'
import { loadSettings } from './settings.ts'

it('every module with migrations is in the schema that the command line knows, and the other way round', () => {
  const { modules } = composeModules({
    opened: {} as OpenedDatabase,
    settings: loadSettings({}).settings,
    views: [],
    clock: systemClock,
    logger: silentLogger,
    requestCounter: { answered: 0 },
    keys: {} as RequestKeys,
    revocations: createMemoryRevocations({ clock: createTestClock(), logger: silentLogger }),
    jwtSecret: 'a secret of the tests, of more than 32 bytes',
    sockets: () => ({}) as Sockets,
  })
  const idsOf = (list: typeof schemaModules) =>
    list.flatMap(({ name, migrations }) => migrations.map(({ id }) => `${name} ${id}`))
  expect(idsOf([ownSchema, ...modules])).toEqual(idsOf(schemaModules))
  expect(idsOf(modules)).not.toEqual([])
})

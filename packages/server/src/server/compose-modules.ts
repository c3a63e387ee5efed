/** The modules of this server, each with what it needs from the others and from outside. */
import { randomBytes } from 'node:crypto'
import { hostname } from 'node:os'
import type { DatabaseView, SettingView } from '@belfry/contract'
import { migrationStatus } from '../adapters/postgres/migrations.ts'
import { issueToken } from '../adapters/tokens/issue-token.ts'
import type { Module } from '../engine/module.ts'
import type { Clock } from '../engine/ports/clock.ts'
import type { Database } from '../engine/ports/database.ts'
import type { Logger } from '../engine/ports/logger.ts'
import type { RequestKeys } from '../engine/ports/request-keys.ts'
import type { Revocations } from '../engine/ports/revocations.ts'
import { sql } from '../engine/sql.ts'
import { type AccessModule, createAccessModule } from '../modules/access/module.ts'
import { type AuthenticationModule, createAuthenticationModule } from '../modules/authentication/module.ts'
import { createEventsModule } from '../modules/events/module.ts'
import { createNotificationsModule, type NotificationsModule } from '../modules/notifications/module.ts'
import { createRealtimeModule } from '../modules/realtime/module.ts'
import { createSystemModule } from '../modules/system/module.ts'
import { openProcessProbe } from '../modules/system/probe.ts'
import type { OpenedDatabase } from './open-database.ts'
import { publicAddress } from './public-address.ts'
import { schemaModules } from './schema.ts'
import type { Sockets } from './serve-sockets.ts'
import type { Settings } from './settings.ts'
import { belfryVersion } from './version.ts'

export interface ModuleParts {
  readonly opened: OpenedDatabase
  readonly settings: Settings
  readonly views: readonly SettingView[]
  readonly clock: Clock
  readonly logger: Logger
  readonly requestCounter: { answered: number }
  readonly keys: RequestKeys
  readonly revocations: Revocations
  /** What signs tokens, given or generated. */
  readonly jwtSecret: string
  /** Made of the modules, and there before the first request. */
  sockets(): Sockets
}

export interface ComposedModules {
  /** In the order in which they start. */
  readonly modules: readonly Module[]
  readonly access: AccessModule
  readonly authentication: AuthenticationModule
  readonly notifications: NotificationsModule
}

export function composeModules(parts: ModuleParts): ComposedModules {
  const { opened, settings, views, clock, logger, requestCounter, keys, sockets } = parts
  const { database } = opened
  const access = createAccessModule({ database, clock, logger, randomBytes })
  const authentication = composeAuthentication({ ...parts, database })
  const modules: Module[] = [access, authentication]
  const system = createSystemModule({
    clock,
    probe: openProcessProbe(),
    requestCounter,
    databaseKind: opened.kind,
    askDatabase: () => describeDatabase(opened),
    settings: views,
    listMigrations: () => migrationStatus(opened.connection, schemaModules),
    process: {
      version: belfryVersion,
      nodeVersion: process.versions.node,
      hostname: hostname(),
      pid: process.pid,
    },
  })
  modules.push(system)
  const events = createEventsModule({
    database,
    keys,
    realtime: () => sockets().realtime,
  })
  modules.push(events)
  const notifications = createNotificationsModule({
    database,
    clock,
    logger,
    keys,
    retentionDays: settings.notificationRetentionDays,
    realtime: () => sockets().realtime,
  })
  modules.push(notifications)
  const realtime = createRealtimeModule({
    realtime: () => sockets().realtime,
    clock,
    connectionsMax: settings.maxSocketConnections,
    queuedBytes: () => sockets().server.queuedBytes(),
    admission: () => sockets().server.admission(),
    version: belfryVersion,
    host: new URL(publicAddress(settings, settings.port)).host,
  })
  modules.push(realtime)
  return { modules, access, authentication, notifications }
}

/** The same for the server and for commands beside it. */
export function composeAuthentication(parts: {
  readonly database: Database
  readonly settings: Settings
  readonly clock: Clock
  readonly logger: Logger
  readonly revocations: Revocations
  readonly jwtSecret: string
}): AuthenticationModule {
  const { database, settings, clock, logger, revocations, jwtSecret } = parts
  const lifeSeconds = settings.jwtExpiresInSeconds
  return createAuthenticationModule({
    database,
    clock,
    logger,
    revocations,
    randomBytes,
    tokenLifeMs: lifeSeconds * 1_000,
    loginLifeMs: settings.refreshExpiresInSeconds * 1_000,
    revocationKeptMs: settings.revocationDays * 86_400_000,
    issue({ id, name, workspaces, teams, roles, permissions }, { loginId, tokenId }) {
      const claims = {
        sub: id,
        name: name ?? undefined,
        workspaces,
        teams,
        roles,
        permissions,
        aud: settings.jwtAudience,
        iss: settings.jwtIssuer,
        sid: loginId,
        jti: tokenId,
      }
      const nowMs = clock.now()
      const token = issueToken({ secret: jwtSecret, claims, expiresInSeconds: lifeSeconds, now: () => nowMs })
      return { token, expiresAtMs: (Math.floor(nowMs / 1_000) + lifeSeconds) * 1_000 }
    },
  })
}

async function describeDatabase({ database, kind }: OpenedDatabase): Promise<DatabaseView> {
  const began = performance.now()
  await database.query(sql`select 1`)
  const pingMs = performance.now() - began
  const [row] = await database.query(
    sql<{ version: string; size: number }>`
      select current_setting('server_version') as version, pg_database_size(current_database()) as size`,
  )
  return {
    ...database.state(),
    kind,
    version: row?.version.split(' ')[0],
    sizeBytes: row?.size,
    pingMs,
  } as DatabaseView
}

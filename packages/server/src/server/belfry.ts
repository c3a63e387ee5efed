/**
 * The composition: builds every part from the settings, wires them, starts them in order and stops them in the
 * opposite one. Only this folder knows all of them.
 */
import { randomBytes } from 'node:crypto'
import type { Server } from 'node:http'
import { createPostgresEventLog } from '../adapters/postgres/events/event-log.ts'
import { createPostgresRequestKeys } from '../adapters/postgres/requests/request-keys.ts'
import { createPostgresRevocations } from '../adapters/postgres/revocations/revocations.ts'
import { createPostgresSessionStore } from '../adapters/postgres/sessions/session-store.ts'
import { issueToken, type TokenClaims } from '../adapters/tokens/issue-token.ts'
import type { RoomAuthority, ServedNamespace } from '../engine/namespace-handlers.ts'
import { type Clock, systemClock } from '../engine/ports/clock.ts'
import type { Queryable } from '../engine/ports/database.ts'
import { durableLogBounds } from '../engine/ports/log.ts'
import type { Logger } from '../engine/ports/logger.ts'
import { composeModules } from './compose-modules.ts'
import { ensureDataDirectory } from './data-directory.ts'
import { generatedSecret } from './generated-secret.ts'
import type { AuthenticateHandshake } from './handshake-claims.ts'
import { followHostServer } from './host-server.ts'
import type { HostTables } from './host-tables.ts'
import { LogPolicies } from './log-policies.ts'
import { migrateOpened } from './migrate.ts'
import { migrateHostTables } from './migrate-host-tables.ts'
import { noteAddress } from './noted-address.ts'
import { createHostNotifications, type HostNotifications } from './notification-service.ts'
import { connectRefusal, openDatabase, secretPath } from './open-database.ts'
import { openFilesWarning } from './open-files.ts'
import { publicAddress } from './public-address.ts'
import { schemaModules } from './schema.ts'
import { createHttp, listenRefusal } from './serve-http.ts'
import { createSockets, newNodeId, type Sockets } from './serve-sockets.ts'
import type { LoadedSettings } from './settings.ts'
import { createSettingsLogger } from './settings-logger.ts'
import { signInPath } from './sign-in-link.ts'
import { createSocketService, type SocketService } from './socket-service.ts'
import { createTransactions, type RunTransaction } from './transactions.ts'
import { belfryVersion } from './version.ts'

export type { TokenClaims }

export interface BelfryOptions {
  readonly loaded: LoadedSettings
  /** By default, what LOG_LEVEL and LOG_FORMAT say, on standard output. */
  readonly logger?: Logger
  /**
   * A server of yours that serves sockets beside whatever else it does. Let it listen when Belfry is ready; `stop`
   * closes it, after the sockets and before the database. Console and REST of Belfry have HOST and PORT for themselves.
   */
  readonly httpServer?: Server
  /** Tables of your own, made before anybody is let in. */
  readonly tables?: HostTables
  /** Namespaces of your own, each with what serves it. */
  readonly namespaces?: readonly ServedNamespace[]
  /** Who may be in rooms of your own kinds. */
  readonly rooms?: readonly RoomAuthority[]
  /**
   * Who the session cookies of your pages belong to, for clients that bring no token. Asked once for a connection, and only
   * when a page of an allowed origin opened it.
   */
  readonly authenticate?: AuthenticateHandshake
  /** The time of everything that Belfry does. The system's if absent. */
  readonly clock?: Clock
  /** Something takes place, or has: for a person who waits. */
  onProgress?(message: string): void
  onDone?(message: string): void
  /** Breaks a start off; what it began is stopped before it rejects. */
  readonly signal?: AbortSignal
}

export interface Belfry {
  /** Where a browser on this machine finds it. */
  readonly address: string
  readonly sockets: SocketService
  readonly notifications: HostNotifications
  /** Everything that `work` writes and publishes, or nothing of it. */
  readonly transaction: RunTransaction
  /** One statement, outside of a transaction. */
  readonly query: Queryable['query']
  /** A token for a client of your application, signed with JWT_SECRET; for JWT_EXPIRES_IN, unless told otherwise. */
  issueToken(claims: TokenClaims, options?: { readonly expiresInSeconds?: number }): string
  /** The path and fragment of a link that signs an operator in, once. */
  createSignInLink(): Promise<string>
  /** Finishes what runs, within the bound of DRAIN_SECONDS, and stops everything, PostgreSQL too. */
  stop(): Promise<void>
}

export async function startBelfry(options: BelfryOptions): Promise<Belfry> {
  const { loaded, httpServer, tables, clock = systemClock } = options
  const { settings } = loaded
  const logger = options.logger ?? createSettingsLogger(settings)
  const signal = options.signal ?? new AbortController().signal
  const onProgress = options.onProgress ?? (() => undefined)
  const onDone = options.onDone ?? (() => undefined)
  const undo: (() => Promise<void>)[] = []
  let stopping = false
  let isReady = false
  /** What runs then is cut: one moment for sockets and requests together. */
  let cutAtMs = 0
  const restMs = () => Math.max(0, cutAtMs - performance.now())
  const stop = once(async () => {
    stopping = true
    cutAtMs = performance.now() + settings.drainSeconds * 1_000
    for (const step of undo.toReversed())
      await step().catch((error) => logger.error({ error }, 'a part did not stop in order'))
    if (isReady) logger.info({}, 'Belfry has stopped')
  })
  /** Each part: what it is called, how it starts, and how what it began is undone. */
  const step = async <Result>(
    name: string,
    start: () => Promise<{ done: string; result: Result }>,
  ): Promise<Result> => {
    signal.throwIfAborted()
    onProgress(name)
    const began = performance.now()
    const { done, result } = await start()
    onDone(`${name}: ${done} ${seconds(performance.now() - began)}`)
    return result
  }

  try {
    ensureDataDirectory(settings.dataDirectory)
    const { views, jwtSecret } = withGeneratedSecrets(loaded)
    const opened = await step('Database', async () => {
      const result = await openDatabase({
        settings,
        logger,
        use: 'own',
        signal,
        onProgress: (message) => onProgress(`Database: ${message}`),
      })
      undo.push(() => result.close())
      return { done: result.summary, result }
    })
    const keys = createPostgresRequestKeys({ database: opened.database, clock, logger })
    undo.push(() => keys.close())
    const revocations = createPostgresRevocations({ database: opened.database, clock, logger })
    undo.push(() => revocations.close())
    const requestCounter = { answered: 0 }
    let sockets: Sockets | undefined
    const socketsInUse = (): Sockets => {
      if (sockets === undefined) throw new Error('Sockets are asked for before they are there.')
      return sockets
    }
    const { modules, access, authentication, notifications } = composeModules({
      opened,
      settings,
      views,
      clock,
      logger,
      requestCounter,
      keys,
      revocations,
      jwtSecret,
      sockets: socketsInUse,
    })

    await step('Migrations', async () => {
      const following = { onStep: ({ id }: { id: string }) => onProgress(`Migrations: ${id}`) }
      const applied = await migrateOpened(opened, schemaModules, following)
      if (tables !== undefined) applied.push(...(await migrateHostTables(opened, tables, following)))
      return { done: applied.length === 0 ? 'up to date' : `${applied.length} applied`, result: undefined }
    })
    const { namespaces = [], rooms = [] } = options
    const served = [...modules.flatMap((module) => module.namespaces ?? []), ...namespaces]
    const policies = new LogPolicies(served)
    const durable = createPostgresEventLog({
      database: opened.database,
      clock,
      logger,
      randomBytes,
      boundsOf: (name) => ({ ...durableLogBounds, ...policies.of(name) }),
    })
    undo.push(() => durable.close())
    await revocations.start()
    const node = newNodeId()
    const durableSessions = createPostgresSessionStore({
      database: opened.database,
      clock,
      logger,
      node,
      // Its own database has one server at a time: whoever was connected to another one is not any more.
      othersAreGone: opened.kind === 'embedded',
      // As long as the log can be read, its reader is known.
      detachedMsMax: durableLogBounds.ageMsMax,
    })
    undo.push(() => durableSessions.close())
    for (const module of modules) {
      await module.start?.()
      undo.push(async () => module.stop?.())
    }
    const isStopping = () => stopping
    const http = await createHttp({
      settings,
      modules,
      opened,
      clock,
      logger,
      access,
      authentication,
      notifications,
      requestCounter,
      verifier: () => socketsInUse().verifier,
      isStopping,
    })
    undo.push(async () => {
      await http.close(restMs())
      logger.info({}, 'requests are finished')
    })
    sockets = await createSockets({
      settings,
      modules,
      namespaces,
      rooms,
      durable,
      revocations,
      authenticate: options.authenticate,
      logOut: (principal) => authentication.revoking.logOut(principal),
      durableSessions,
      node,
      clock,
      logger,
      jwtSecret,
      isStopping,
    })
    sockets.server.attach(http.server)
    if (httpServer !== undefined) {
      sockets.server.attach(httpServer)
      const followed = followHostServer(httpServer)
      // A start that fails leaves it as it was.
      undo.push(async () => {
        if (isReady) await followed.close(restMs())
      })
    }
    undo.push(async () => {
      if (sockets === undefined) return
      logger.info({ connections: sockets.realtime.connections.size }, 'stopping: nobody new is let in')
      const awayMs = settings.restartSeconds * 1_000
      const { connections, late } = await sockets.close({ withinMs: restMs() * socketsShare, awayMs })
      logger.info({ connections, late }, 'clients were let go')
    })
    const address = await step('Web server', async () => {
      const { port } = await http.listen().catch((error: unknown) => {
        throw listenRefusal(error, settings.host, settings.port)
      })
      const result = publicAddress(settings, port)
      undo.push(noteAddress(settings.dataDirectory, result))
      return { done: result, result }
    })
    const { socketPort } = settings
    if (socketPort !== undefined && socketPort !== settings.port)
      await step('Sockets', async () => ({
        done: await listenForSockets(sockets, settings.host, socketPort),
        result: undefined,
      }))
    const warning = openFilesWarning(settings.maxSocketConnections)
    if (warning !== undefined) logger.warn({}, warning)
    logger.info({ version: belfryVersion, address }, 'Belfry is ready')
    isReady = true
    return {
      address,
      sockets: createSocketService(sockets),
      notifications: createHostNotifications(notifications.service),
      transaction: createTransactions(opened.database, sockets.realtime),
      query: (statement) => opened.database.query(statement),
      issueToken: (claims, { expiresInSeconds = settings.jwtExpiresInSeconds } = {}) =>
        issueToken({
          secret: jwtSecret,
          claims: { aud: settings.jwtAudience, iss: settings.jwtIssuer, ...claims },
          expiresInSeconds,
          now: clock.now,
        }),
      createSignInLink: async () =>
        signInPath(await access.service.createSignInLink({ name: 'operator', roles: ['admin'] })),
      stop,
    }
  } catch (error) {
    await stop()
    throw connectRefusal(error)
  }
}

/** Of the time of a stop: requests that clients make meanwhile, to poll for one, have the rest. */
const socketsShare = 0.8

async function listenForSockets(sockets: Sockets, host: string, wanted: number): Promise<string> {
  const port = await sockets.listen(host, wanted).catch((error: unknown) => {
    throw listenRefusal(error, host, wanted, 'SOCKET_PORT')
  })
  return `on port ${port} as well`
}

/** Made once and kept in the data directory; shown in the settings as what they are. */
function withGeneratedSecrets({ settings, views }: LoadedSettings) {
  if (settings.jwtSecret !== undefined) return { views, jwtSecret: settings.jwtSecret }
  const jwtSecret = generatedSecret(secretPath(settings, 'jwt-secret'))
  const masked = { value: '••••••••', source: 'generated' } as const
  return {
    views: views.map((view) => (view.name === 'JWT_SECRET' ? { ...view, ...masked } : view)),
    jwtSecret,
  }
}

function seconds(ms: number): string {
  return `(${(ms / 1_000).toFixed(2)} s)`
}

function once(run: () => Promise<void>): () => Promise<void> {
  let running: Promise<void> | undefined
  return () => {
    running ??= run()
    return running
  }
}

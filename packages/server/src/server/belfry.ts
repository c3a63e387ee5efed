/**
 * The composition: builds every part from the settings, wires them, starts them in order and stops them in the
 * opposite one. This is the only place where all of them are known.
 */
import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { hostname } from 'node:os'
import { fileURLToPath } from 'node:url'
import type { DatabaseView, SettingView } from '@belfry/contract'
import { createHttpServer, type HttpServer } from '../adapters/http/server.ts'
import { migrateUp, migrationStatus } from '../adapters/postgres/migrations.ts'
import type { Module } from '../engine/module.ts'
import { systemClock } from '../engine/ports/clock.ts'
import type { Logger } from '../engine/ports/logger.ts'
import { sql } from '../engine/sql.ts'
import { StartRefusal, systemErrorCode } from '../engine/start-refusal.ts'
import { createAccessModule } from '../modules/access/module.ts'
import { createSystemModule } from '../modules/system/module.ts'
import { openProcessProbe } from '../modules/system/probe.ts'
import { ensureDataDirectory } from './data-directory.ts'
import { displayHost } from './display-host.ts'
import { generatedSecret } from './generated-secret.ts'
import { type OpenedDatabase, openDatabase, secretPath } from './open-database.ts'
import type { LoadedSettings, Settings } from './settings.ts'
import { signInPath } from './sign-in-link.ts'
import { belfryVersion } from './version.ts'

export interface BelfryOptions {
  readonly loaded: LoadedSettings
  readonly logger: Logger
  /** Something takes place, or has: for a person who waits. */
  onProgress?(message: string): void
  onDone?(message: string): void
  /** Breaks a start off; what it began is stopped before it rejects. */
  readonly signal?: AbortSignal
}

export interface Belfry {
  /** Where a browser on this machine finds it. */
  readonly address: string
  /** The path and fragment of a link that signs an operator in, once. */
  createSignInLink(): Promise<string>
  /** Finishes what runs, within the bound of DRAIN_SECONDS, and stops everything, PostgreSQL too. */
  stop(): Promise<void>
}

export async function startBelfry(options: BelfryOptions): Promise<Belfry> {
  const { loaded, logger } = options
  const { settings } = loaded
  const signal = options.signal ?? new AbortController().signal
  const onProgress = options.onProgress ?? (() => undefined)
  const onDone = options.onDone ?? (() => undefined)
  const undo: (() => Promise<void>)[] = []
  const stop = once(async () => {
    for (const step of undo.toReversed())
      await step().catch((error) => logger.error({ error }, 'a part did not stop in order'))
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
    const views = withGeneratedSecrets(loaded)
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
    const requestCounter = { answered: 0 }
    const { modules, access } = composeModules({ opened, settings, views, logger, requestCounter })

    await step('Migrations', async () => {
      const applied = await migrateUp(opened.connection, modules, {
        onStep: ({ id }) => onProgress(`Migrations: ${id}`),
      })
      return { done: applied.length === 0 ? 'up to date' : `${applied.length} applied`, result: undefined }
    })
    for (const module of modules) {
      await module.start?.()
      undo.push(async () => module.stop?.())
    }
    const address = await step('Web server', async () => {
      let stopping = false
      const http = await createHttp({
        settings,
        modules,
        opened,
        logger,
        access,
        requestCounter,
        isStopping: () => stopping,
      })
      undo.push(async () => {
        stopping = true
        await http.close()
      })
      const { port } = await http.listen().catch((error: unknown) => {
        throw listenRefusal(error, settings)
      })
      const result = `http://${displayHost(settings.host)}:${port}`
      return { done: result, result }
    })
    logger.info({ version: belfryVersion, address }, 'Belfry is ready')
    return {
      address,
      createSignInLink: async () =>
        signInPath(await access.service.createSignInLink({ name: 'operator', roles: ['admin'] })),
      stop,
    }
  } catch (error) {
    await stop()
    throw error
  }
}

interface Composition {
  readonly opened: OpenedDatabase
  readonly settings: Settings
  readonly views: readonly SettingView[]
  readonly logger: Logger
  readonly requestCounter: { answered: number }
}

function composeModules({ opened, views, logger, requestCounter }: Composition) {
  const { database } = opened
  const access = createAccessModule({ database, clock: systemClock, logger, randomBytes })
  const modules: Module[] = [access]
  const system = createSystemModule({
    clock: systemClock,
    probe: openProcessProbe(),
    requestCounter,
    databaseKind: opened.kind,
    askDatabase: () => describeDatabase(opened),
    settings: views,
    listMigrations: () => migrationStatus(opened.connection, modules),
    process: {
      version: belfryVersion,
      nodeVersion: process.versions.node,
      hostname: hostname(),
      pid: process.pid,
    },
  })
  modules.push(system)
  return { modules, access }
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

interface HttpParts extends Omit<Composition, 'views'> {
  readonly modules: readonly Module[]
  readonly access: ReturnType<typeof createAccessModule>
  isStopping(): boolean
}

function createHttp(parts: HttpParts): Promise<HttpServer> {
  const { settings, modules, opened, logger, access, requestCounter } = parts
  const consoleDirectory = fileURLToPath(new URL('../../console', import.meta.url))
  return createHttpServer({
    routes: modules.flatMap((module) => module.routes),
    logger,
    version: belfryVersion,
    host: settings.host,
    port: settings.port,
    rateLimit: { windowMs: settings.rateLimitWindowMs, max: settings.rateLimitMaxRequests },
    readiness: rememberFor(readinessMs, () => checkReadiness(opened, modules)),
    resolveIdentity: (token) => access.service.identify(token),
    isStopping: parts.isStopping,
    bodyLimitBytes: settings.bodyLimitBytes,
    trustProxy: trustedProxies(settings.trustProxy),
    allowedOrigins: settings.corsOrigin ?? [new URL(settings.frontendUrl).origin],
    consoleDirectory: existsSync(consoleDirectory) ? consoleDirectory : undefined,
    metricsToken: settings.metricsToken,
    requestCounter,
    bounds: { closeGraceMs: settings.drainSeconds * 1_000 },
  })
}

/** `readyz` is open to everybody, and looking at the migrations takes a connection: one look a second is enough. */
const readinessMs = 1_000

async function checkReadiness({ database, connection }: OpenedDatabase, modules: readonly Module[]) {
  // Whoever asks is not signed in: what exactly is wrong stands in the log and in the console.
  const check = async (name: string, failure: string, run: () => Promise<string>) => {
    try {
      return { name, ok: true, detail: await run() }
    } catch {
      return { name, ok: false, detail: failure }
    }
  }
  return Promise.all([
    check('database', 'It does not answer.', async () => {
      await database.query(sql`select 1`)
      return 'It answers.'
    }),
    check('migrations', 'They are not as this version needs them, or cannot be read.', async () => {
      const waiting = (await migrationStatus(connection, modules)).filter(({ state }) => state !== 'applied')
      if (waiting.length > 0) throw new Error('There are migrations that are not applied.')
      return 'All are applied.'
    }),
  ])
}

/** Made once and kept in the data directory; shown in the settings as what they are. */
function withGeneratedSecrets({ settings, views }: LoadedSettings): SettingView[] {
  if (settings.jwtSecret !== undefined) return [...views]
  generatedSecret(secretPath(settings, 'jwt-secret'))
  return views.map((view) =>
    view.name === 'JWT_SECRET' ? { ...view, value: '••••••••', source: 'generated' } : view,
  )
}

function listenRefusal(error: unknown, { host, port }: Settings): unknown {
  switch (systemErrorCode(error)) {
    case 'EADDRINUSE':
      return new StartRefusal(
        'port_in_use',
        `Another program listens on port ${port} of ${host}: stop it, or set PORT to another port.`,
      )
    case 'EACCES':
      return new StartRefusal(
        'address_unavailable',
        `This user may not listen on port ${port}: set PORT to a port from 1024 on.`,
      )
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
      return new StartRefusal(
        'address_unavailable',
        `HOST ${host} is no address of this machine: set it to one that is, such as 127.0.0.1 or 0.0.0.0.`,
      )
    default:
      return error
  }
}

function trustedProxies(setting: Settings['trustProxy']) {
  // The hop next to us is number 0.
  if (typeof setting === 'number') return (_address: string, hop: number) => hop < setting
  return typeof setting === 'boolean' ? setting : [...setting]
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

/** Whoever asks within `periodMs` of another gets the same answer. */
function rememberFor<Result>(periodMs: number, ask: () => Promise<Result>): () => Promise<Result> {
  let answer: Promise<Result> | undefined
  let askedAt = Number.NEGATIVE_INFINITY
  return () => {
    const now = performance.now()
    if (answer === undefined || now - askedAt > periodMs) {
      askedAt = now
      answer = ask()
    }
    return answer
  }
}

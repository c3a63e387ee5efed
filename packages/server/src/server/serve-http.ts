/** The HTTP server of this composition: its limits, what it believes, and when it calls itself ready. */
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { createHttpServer, type HttpServer } from '../adapters/http/server.ts'
import { migrationStatus } from '../adapters/postgres/migrations.ts'
import type { Clock } from '../engine/ports/clock.ts'
import type { Logger } from '../engine/ports/logger.ts'
import type { TokenVerifier } from '../engine/ports/token-verifier.ts'
import { sql } from '../engine/sql.ts'
import { StartRefusal, systemErrorCode } from '../engine/start-refusal.ts'
import type { ComposedModules } from './compose-modules.ts'
import type { OpenedDatabase } from './open-database.ts'
import { schemaModules } from './schema.ts'
import type { Settings } from './settings.ts'
import { belfryVersion } from './version.ts'

export interface HttpParts extends ComposedModules {
  readonly opened: OpenedDatabase
  readonly settings: Settings
  readonly clock: Clock
  readonly logger: Logger
  readonly requestCounter: { answered: number }
  /** There before the first request. */
  verifier(): TokenVerifier
  isStopping(): boolean
}

export function createHttp(parts: HttpParts): Promise<HttpServer> {
  const { settings, modules, opened, clock, logger, access, requestCounter } = parts
  const consoleDirectory = fileURLToPath(new URL('../../console', import.meta.url))
  return createHttpServer({
    routes: modules.flatMap((module) => module.routes),
    clock,
    logger,
    version: belfryVersion,
    host: settings.host,
    port: settings.port,
    rateLimit: { windowMs: settings.rateLimitWindowMs, max: settings.rateLimitMaxRequests },
    readiness: rememberFor(readinessMs, () => checkReadiness(opened)),
    resolveIdentity: (token) => access.service.identify(token),
    resolvePrincipal: (token) => parts.verifier().verify(token),
    isStopping: parts.isStopping,
    bodyLimitBytes: settings.bodyLimitBytes,
    trustProxy: trustedProxies(settings.trustProxy),
    allowedOrigins: allowedOrigins(settings),
    consoleDirectory: existsSync(consoleDirectory) ? consoleDirectory : undefined,
    metricsToken: settings.metricsToken,
    metrics: () => modules.flatMap((module) => module.metrics?.() ?? []),
    requestCounter,
  })
}

/** `readyz` is open to everybody, and looking at the migrations takes a connection: one look a second is enough. */
const readinessMs = 1_000

/** Less than whoever asks waits, and less than the database's patience: what hangs is named as what failed. */
const checkMs = 2_000

async function checkReadiness({ database, connection }: OpenedDatabase) {
  // Whoever asks is not signed in: what exactly is wrong stands in the log and in the console.
  const check = async (name: string, failure: string, run: () => Promise<string>) => {
    try {
      return { name, ok: true, detail: await within(checkMs, run()) }
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
      const waiting = (await migrationStatus(connection, schemaModules)).filter(
        ({ state }) => state !== 'applied',
      )
      if (waiting.length > 0) throw new Error('There are migrations that are not applied.')
      return 'All are applied.'
    }),
  ])
}

/** Pages of the server itself need no permission. */
function allowedOrigins({ corsOrigin, frontendUrl }: Settings): readonly string[] {
  return corsOrigin ?? (frontendUrl === undefined ? [] : [new URL(frontendUrl).origin])
}

/** What the system says when it does not let us listen, for an operator. */
export function listenRefusal(error: unknown, host: string, port: number, setting = 'PORT'): unknown {
  switch (systemErrorCode(error)) {
    case 'EADDRINUSE':
      return new StartRefusal(
        'port_in_use',
        `Another program listens on port ${port} of ${host}: stop it, or set ${setting} to another port.`,
      )
    case 'EACCES':
      return new StartRefusal(
        'address_unavailable',
        `This user may not listen on port ${port}: set ${setting} to a port from 1024 on.`,
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

async function within<Result>(limitMs: number, work: Promise<Result>): Promise<Result> {
  const { promise: tooLate, reject } = Promise.withResolvers<never>()
  const timer = setTimeout(() => reject(new Error(`It took longer than ${limitMs} milliseconds.`)), limitMs)
  try {
    return await Promise.race([work, tooLate])
  } finally {
    clearTimeout(timer)
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

/**
 * The composition: builds every part from the settings, wires them, starts them in order and stops them in the
 * opposite one. Only this folder knows all of them.
 */
import type { SettingView } from '@belfry/contract'
import type { Logger } from '../engine/ports/logger.ts'
import { composeModules } from './compose-modules.ts'
import { ensureDataDirectory } from './data-directory.ts'
import { displayHost } from './display-host.ts'
import { generatedSecret } from './generated-secret.ts'
import { migrateOpened } from './migrate.ts'
import { noteAddress } from './noted-address.ts'
import { connectRefusal, openDatabase, secretPath } from './open-database.ts'
import { createHttp, listenRefusal } from './serve-http.ts'
import type { LoadedSettings } from './settings.ts'
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
    const { modules, access } = composeModules({ opened, views, logger, requestCounter })

    await step('Migrations', async () => {
      const applied = await migrateOpened(opened, modules, {
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
      const result =
        settings.frontendUrl?.replace(/\/$/, '') ?? `http://${displayHost(settings.host)}:${port}`
      undo.push(noteAddress(settings.dataDirectory, result))
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
    throw connectRefusal(error)
  }
}

/** Made once and kept in the data directory; shown in the settings as what they are. */
function withGeneratedSecrets({ settings, views }: LoadedSettings): SettingView[] {
  if (settings.jwtSecret !== undefined) return [...views]
  generatedSecret(secretPath(settings, 'jwt-secret'))
  return views.map((view) =>
    view.name === 'JWT_SECRET' ? { ...view, value: '••••••••', source: 'generated' } : view,
  )
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

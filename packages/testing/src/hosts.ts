/**
 * What a test server runs: Belfry in memory, or the whole product in a directory of its own. Both can be stopped and
 * started again, and then know what a database would have kept.
 */
import { randomBytes } from 'node:crypto'
import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type {
  HostNotifications,
  Logger,
  RoomAuthority,
  RunTransaction,
  ServedNamespace,
  SocketService,
} from 'belfry'
import {
  type Clock,
  createMemoryStore,
  type LoadedSettings,
  loadSettings,
  startInMemory,
} from 'belfry/testing'

export interface Running {
  readonly sockets: SocketService
  readonly transaction: RunTransaction
  readonly notifications: HostNotifications | undefined
  /** Of REST and the console. */
  readonly address: string | undefined
  stop(): Promise<void>
}

export interface Host {
  readonly jwtSecret: string
  readonly settings: LoadedSettings['settings']
  start(): Promise<Running>
  /** Throws away what it kept. */
  close(): Promise<void>
}

export interface HostOptions {
  readonly settings: Readonly<Record<string, string>>
  readonly namespaces: readonly ServedNamespace[]
  readonly rooms: readonly RoomAuthority[]
  readonly clock: Clock
  readonly logger: Logger
}

/** Short of nothing that a test does not ask for: while its clock stands, everything happens within one second. */
const generous = {
  NODE_ENV: 'test',
  SOCKET_EVENT_RATE_PER_SEC: '100000',
  RATE_LIMIT_MAX_REQUESTS: '1000000',
  // So few that no system's limit of open files is a reason to warn.
  MAX_SOCKET_CONNECTIONS: '1000',
}

export async function createMemoryHost(options: HostOptions): Promise<Host> {
  const { namespaces, rooms, clock, logger } = options
  const jwtSecret = options.settings['JWT_SECRET'] ?? newSecret()
  const { settings } = loadSettings({ ...generous, ...options.settings })
  const store = createMemoryStore({ namespaces, clock, logger })
  return {
    jwtSecret,
    settings,
    async start() {
      const started = await startInMemory({ settings, namespaces, rooms, store, clock, logger, jwtSecret })
      return { ...started, notifications: undefined, address: undefined }
    },
    async close() {
      store.close()
    },
  }
}

export async function createEmbeddedHost(options: HostOptions): Promise<Host> {
  const { namespaces, rooms, clock, logger } = options
  // All that the product needs is loaded only where it is wanted.
  const { startBelfry } = await import('belfry')
  const jwtSecret = options.settings['JWT_SECRET'] ?? newSecret()
  const own = { ...generous, PORT: '0', ...options.settings, JWT_SECRET: jwtSecret }
  // Before there is a directory: wrong settings are refused and leave none.
  loadSettings(own)
  const directory = await mkdtemp(join(tmpdir(), 'belfry-testing-'))
  // Under root, PostgreSQL runs as somebody else, who has to pass through.
  if (process.getuid?.() === 0) await chmod(directory, 0o711)
  const loaded = loadSettings({ ...own, BELFRY_DATA_DIR: join(directory, 'data') })
  return {
    jwtSecret,
    settings: loaded.settings,
    start: () => startBelfry({ loaded, logger, namespaces, rooms, clock }),
    close: () => rm(directory, { recursive: true, force: true }),
  }
}

const newSecret = () => randomBytes(32).toString('base64url')

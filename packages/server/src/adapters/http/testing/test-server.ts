/** A server of its own for one test, on a free port of the loopback, with everything it logged. */
import type { Socket } from 'node:net'
import { connect } from 'node:net'
import { Refusal, type UserId } from '@belfry/contract'
import type { Logger } from '../../../engine/ports/logger.ts'
import type { Principal } from '../../../engine/ports/token-verifier.ts'
import type { Identity } from '../../../engine/route.ts'
import { createHttpServer, type HttpServer, type HttpServerOptions } from '../server.ts'

export interface TestServer extends AsyncDisposable {
  readonly http: HttpServer
  readonly url: string
  readonly port: number
  readonly log: LogLine[]
  fetch(path: string, init?: RequestInit): Promise<Response>
  /** A bare connection, for bytes that no HTTP client would send. */
  connect(): Promise<RawConnection>
}

export interface LogLine {
  readonly level: keyof Logger
  readonly fields: Record<string, unknown>
  readonly message: string
}

export const operator: Identity = { name: 'operator', roles: ['admin'] }
export const guest: Identity = { name: 'guest', roles: [] }

/** Session tokens the test server knows. */
export const sessions: Readonly<Record<string, Identity>> = {
  'operator-session': operator,
  'guest-session': guest,
}

/** Tokens the test server knows, and whom they speak for. */
export const tokens: Readonly<Record<string, Principal>> = {
  'user-token': person('ana'),
  'admin-token': person('olga', { roles: ['admin'] }),
  'program-token': person('billing', { permissions: ['things:make'] }),
}

function person(id: string, more: Partial<Principal> = {}): Principal {
  return {
    userId: id as UserId,
    name: undefined,
    workspaces: [],
    teams: [],
    roles: [],
    permissions: [],
    expiresAtMs: undefined,
    issuedAtMs: undefined,
    tokenId: undefined,
    loginId: undefined,
    ...more,
  }
}

export const asOperator = { cookie: 'belfry_session=operator-session', 'sec-fetch-site': 'same-origin' }
export const asGuest = { cookie: 'belfry_session=guest-session', 'sec-fetch-site': 'same-origin' }

export async function startTestServer(options: Partial<HttpServerOptions> = {}): Promise<TestServer> {
  const log: LogLine[] = []
  const http = await createHttpServer({
    routes: [],
    logger: recordingLogger(log),
    version: '1.2.3',
    host: '127.0.0.1',
    port: 0,
    rateLimit: { windowMs: 60_000, max: 100_000 },
    readiness: async () => [],
    resolveIdentity: async (token) => sessions[token],
    resolvePrincipal(token) {
      const principal = Object.hasOwn(tokens, token) ? tokens[token] : undefined
      if (principal === undefined) throw new Refusal('token_invalid')
      return principal
    },
    ...options,
  })
  const { url, port } = await http.listen()
  const connections: RawConnection[] = []
  return {
    http,
    url,
    port,
    log,
    fetch: (path, init) => fetch(url + path, { redirect: 'manual', ...init }),
    async connect() {
      const connection = await openConnection(port)
      connections.push(connection)
      return connection
    },
    async [Symbol.asyncDispose]() {
      for (const { socket } of connections) socket.destroy()
      await http.close()
    },
  }
}

export interface RawConnection {
  readonly socket: Socket
  send(bytes: string | Buffer): void
  /** Everything received so far. */
  received(): string
  /** Resolves with everything received when `part` is in it; rejects when the connection ends before. */
  until(part: string): Promise<string>
  /** Resolves with everything received when the connection has ended, however it ended. */
  ended(): Promise<string>
}

function openConnection(port: number): Promise<RawConnection> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1')
    const chunks: string[] = []
    const waiting = new Set<(newest: string) => void>()
    const received = () => chunks.join('')
    const notify = (newest: string) => {
      for (const look of [...waiting]) look(newest)
    }
    socket.on('data', (bytes) => {
      const chunk = bytes.toString('latin1')
      chunks.push(chunk)
      notify(chunk)
    })
    socket.on('close', () => notify(''))
    socket.on('error', () => undefined)

    function until(part: string): Promise<string> {
      return new Promise((found, lost) => {
        // Only the newest text is searched: a test may receive many megabytes.
        let tail = ''
        const look = (newest: string) => {
          tail = tail.slice(-part.length) + newest
          if (tail.includes(part)) found(received())
          else if (socket.closed) lost(new Error(`the connection ended after: ${received().slice(-2_000)}`))
          else return
          waiting.delete(look)
        }
        waiting.add(look)
        look(received())
      })
    }

    function ended(): Promise<string> {
      return new Promise((done) => {
        if (socket.closed) done(received())
        else socket.once('close', () => done(received()))
      })
    }

    socket.once('error', reject)
    socket.once('connect', () =>
      resolve({
        socket,
        send: (bytes) => socket.write(bytes),
        received,
        until,
        ended,
      }),
    )
  })
}

export function recordingLogger(log: LogLine[]): Logger {
  const write = (level: keyof Logger) => (fields: object, message: string) => {
    log.push({ level, fields: { ...fields }, message })
  }
  return { debug: write('debug'), info: write('info'), warn: write('warn'), error: write('error') }
}

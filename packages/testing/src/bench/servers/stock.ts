/**
 * Stock `socket.io`, at its fastest: nothing is compressed, and a token is checked at once with `node:crypto`. The
 * arguments are where the package is, and whether its recovery of connections is on. A client that is recovered has its
 * rooms back, and is not asked for its token again, as its documentation has it.
 */
import { createHmac, createSecretKey, timingSafeEqual } from 'node:crypto'
import type { Server } from 'node:http'
import { secret } from '../world.ts'
import { names, serve } from './server-calls.ts'

const [packageUrl = '', recovery] = process.argv.slice(2)
const { Server: StockServer } = (await import(packageUrl)) as typeof import('socket.io')
const io = new StockServer({
  perMessageDeflate: false,
  serveClient: false,
  ...(recovery === 'recovery'
    ? { connectionStateRecovery: { maxDisconnectionDuration: 120_000, skipMiddlewares: true } }
    : {}),
})
const namespace = io.of(names.namespace)
namespace.use((socket, next) => {
  const room = roomOf(socket.handshake.auth['token'])
  if (room === undefined) {
    next(new Error('token_invalid'))
    return
  }
  void socket.join(room)
  next()
})

const key = createSecretKey(Buffer.from(secret))

function roomOf(token: unknown): string | undefined {
  if (typeof token !== 'string') return undefined
  const [header = '', payload = '', signature = ''] = token.split('.')
  const given = Buffer.from(signature, 'base64url')
  const right = createHmac('sha256', key).update(`${header}.${payload}`).digest()
  if (given.length !== right.length || !timingSafeEqual(given, right)) return undefined
  const { exp, workspaces } = JSON.parse(Buffer.from(payload, 'base64url').toString())
  if (typeof exp !== 'number' || exp * 1_000 < Date.now() || !Array.isArray(workspaces)) return undefined
  return workspaces[0]
}

await serve(
  (http: Server) => io.attach(http),
  async (room, data) => {
    namespace.to(names.room(room)).emit(names.event, data)
    return undefined
  },
)

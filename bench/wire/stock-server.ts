/**
 * The other side: `socket.io` as its documentation shows it, at its fastest. Tokens are checked at once with
 * `node:crypto` and a key made beforehand, the payload of a command by hand, and nothing is compressed.
 */
import { createHmac, createSecretKey, timingSafeEqual } from 'node:crypto'
import { createServer } from 'node:http'
import { type Namespace, Server, type Socket } from 'socket.io'
import { serveBench } from './server-calls.ts'
import { commandName, eventName, namespaceNames, secret, userIdOf, workspaceId } from './world.ts'

const http = createServer((_request, response) => response.end())
// Recovery of connections is off unless it is asked for.
const io = new Server(http, { perMessageDeflate: false, serveClient: false })

for (const name of namespaceNames) {
  const namespace: Namespace = io.of(name)
  namespace.use((socket, next) => {
    const claims = claimsOf(socket.handshake.auth['token'])
    if (claims === undefined) {
      next(new Error('token_invalid'))
      return
    }
    socket.data = claims
    next()
  })
  namespace.on('connection', (socket: Socket) => {
    const { sub, workspaces } = socket.data as Claims
    void socket.join([`user:${sub}`, ...workspaces.map((id) => `workspace:${id}`)])
    socket.on(commandName, (input: unknown, answer: unknown) => {
      if (typeof answer !== 'function') return
      const { postId, from } = (input ?? {}) as Readonly<Record<string, unknown>>
      if (typeof postId !== 'string' || typeof from !== 'string') answer({ ok: false })
      else answer({ ok: true, data: { seen: postId !== '' } })
    })
  })
}

interface Claims {
  readonly sub: string
  readonly workspaces: readonly string[]
}

const key = createSecretKey(Buffer.from(secret))

function claimsOf(token: unknown): Claims | undefined {
  if (typeof token !== 'string') return undefined
  const [header = '', payload = '', signature = ''] = token.split('.')
  const given = Buffer.from(signature, 'base64url')
  const right = createHmac('sha256', key).update(`${header}.${payload}`).digest()
  if (given.length !== right.length || !timingSafeEqual(given, right)) return undefined
  if (read(header)['alg'] !== 'HS256') return undefined
  const { exp, sub, workspaces } = read(payload)
  if (typeof exp !== 'number' || exp * 1_000 < Date.now()) return undefined
  if (typeof sub !== 'string' || !Array.isArray(workspaces)) return undefined
  return { sub, workspaces }
}

function read(part: string): Readonly<Record<string, unknown>> {
  return JSON.parse(Buffer.from(part, 'base64url').toString())
}

const posts = io.of('/posts')
const rooms = { workspace: `workspace:${workspaceId}`, user: `user:${userIdOf(0)}` }
await serveBench(
  http,
  (room, data) => posts.to(rooms[room]).emit(eventName, data),
  () => namespaceNames.reduce((sum, name) => sum + io.of(name).sockets.size, 0),
)

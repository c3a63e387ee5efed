import { createServer } from 'node:http'
import { Server, type Socket } from 'socket.io'
import { listening } from '../protocol/world.ts'

/** A server of another make, which refuses as it is told: who comes to /posts for the first time, the second … */
export async function stockServer(
  refuse: (times: number) => object | undefined,
  more: {
    welcome?: (socket: Socket) => void
    /** Lets in, or refuses, when it calls what it is given. */
    admit?: (next: (refusal?: object) => void) => void
    /** The same of /news. */
    news?: (times: number) => object | undefined
  } = {},
) {
  const refusal = (data: object) => Object.assign(new Error('Not now.'), { data })
  const http = createServer()
  const server = new Server(http, { connectionStateRecovery: { skipMiddlewares: true } })
  const shown: { pid: unknown; offset: unknown }[] = []
  let times = 0
  let timesOfNews = 0
  server.of('/news').use((_socket, next) => {
    timesOfNews += 1
    const data = more.news?.(timesOfNews)
    next(data && refusal(data))
  })
  const namespace = server.of('/posts').use(({ handshake: { auth } }, next) => {
    times += 1
    shown.push({ pid: auth['pid'], offset: auth['offset'] })
    const data = refuse(times)
    if (data !== undefined) next(refusal(data))
    else if (more.admit !== undefined) more.admit((why) => next(why && refusal(why)))
    else next()
  })
  if (more.welcome !== undefined) namespace.on('connection', more.welcome)
  const url = await listening(http)
  return {
    url,
    asked: () => times,
    connections: () => server.engine.clientsCount,
    /** Who is on /posts now. */
    inside: () => namespace.sockets.size,
    /** With what clients came. */
    shown: () => shown,
    emit: (name: string, data: object) => namespace.emit(name, data),
    /** Closes the lines, and says nothing. */
    cut: () => {
      const { clients } = server.engine as unknown as {
        clients: Record<string, { close(now: boolean): void }>
      }
      for (const client of Object.values(clients)) client.close(true)
    },
    [Symbol.asyncDispose]: () => server.close(),
  }
}

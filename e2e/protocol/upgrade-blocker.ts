/** A proxy that carries HTTP and lets no WebSocket through, as there are in offices and hotels. */
import { createServer, request } from 'node:http'
import { closed, listening } from './world.ts'

export interface Proxy extends AsyncDisposable {
  readonly url: string
  /** Upgrades it was asked for. */
  readonly asked: () => number
}

/** `refuse` answers with a status, `cut` closes the line, `swallow` never answers. */
export async function upgradeBlocker(to: string, how: 'refuse' | 'cut' | 'swallow'): Promise<Proxy> {
  const target = new URL(to)
  let asked = 0
  const server = createServer((near, answer) => {
    const { method, url, headers } = near
    const far = request(
      { host: target.hostname, port: target.port, method, path: url, headers },
      (response) => {
        answer.writeHead(response.statusCode ?? 502, response.headers)
        response.pipe(answer)
      },
    )
    far.on('error', () => answer.destroy())
    answer.on('close', () => far.destroy())
    near.pipe(far)
  })
  server.on('upgrade', (_request, socket) => {
    asked += 1
    socket.on('error', () => undefined)
    if (how === 'refuse')
      socket.end('HTTP/1.1 403 Forbidden\r\nConnection: close\r\nContent-Length: 0\r\n\r\n')
    if (how === 'cut') socket.destroy()
    if (how === 'swallow') swallowed.push(socket)
  })
  const swallowed: { destroy(): void }[] = []
  return {
    url: await listening(server),
    asked: () => asked,
    async [Symbol.asyncDispose]() {
      for (const socket of swallowed) socket.destroy()
      await closed(server)
    },
  }
}

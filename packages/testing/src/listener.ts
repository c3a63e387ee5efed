/** Where clients find the server: a port on loopback that stays the same while servers come and go. */
import { createServer, type Server } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'

export interface Listener {
  readonly url: string
  /** Ends of lines on the side of the server. */
  readonly sockets: ReadonlySet<Socket>
  /** `serve` is given the server before anybody can reach it. */
  open(serve: (server: Server) => void): Promise<void>
  /** Breaks every line without a word. */
  cutAll(): void
  /** Nobody gets in any more; lines that are open break. */
  close(): Promise<void>
}

export function createListener(): Listener {
  const sockets = new Set<Socket>()
  let server: Server | undefined
  let port = 0
  const cutAll = () => {
    for (const socket of sockets) socket.resetAndDestroy()
  }

  return {
    sockets,
    get url() {
      return `http://127.0.0.1:${port}`
    },
    async open(serve) {
      const opened = createServer((_request, response) => response.writeHead(404).end())
      opened.on('connection', (socket) => {
        sockets.add(socket)
        socket.once('close', () => sockets.delete(socket))
      })
      serve(opened)
      await new Promise<void>((resolve, reject) => {
        opened.once('error', reject)
        opened.listen({ host: '127.0.0.1', port }, resolve)
      })
      port = (opened.address() as AddressInfo).port
      server = opened
    },
    cutAll,
    async close() {
      const closing = server
      server = undefined
      if (closing === undefined) return
      const closed = new Promise<void>((resolve) => closing.close(() => resolve()))
      cutAll()
      await closed
    },
  }
}

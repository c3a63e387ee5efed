/** The HTTP server of the program that hosts Belfry, as far as a stop goes. */
import type { Server } from 'node:http'
import { trackConnections } from '../adapters/http/connections.ts'

export interface HostServer {
  /** Takes no further requests, and waits for those under way, `graceMs` at most: they may need the database. */
  close(graceMs: number): Promise<void>
}

export function followHostServer(server: Server): HostServer {
  const connections = trackConnections(server)
  return {
    close(graceMs) {
      return new Promise((resolve) => {
        // Those from before it was followed are not known to `connections`.
        const deadline = setTimeout(() => server.closeAllConnections(), graceMs)
        // An error would say that it does not listen, which is what was wanted.
        server.close(() => {
          clearTimeout(deadline)
          resolve()
        })
        connections.drain(graceMs)
      })
    },
  }
}

/**
 * Listens on an address, with several sockets where the system shares the connections of a port out among them. libuv
 * accepts one connection of a socket in each turn of the event loop: after a cut, when thousands of clients come back
 * and turns are long, one socket would let in a few hundred of them a second.
 */
import { createServer, type Server } from 'node:http'
import { type AddressInfo, createServer as createSocketServer, type Server as SocketServer } from 'node:net'

export interface Address {
  readonly host: string
  readonly port: number
}

export interface Listening extends Address {
  /** Only the sockets that were added, and not the server itself. Resolves when their connections have ended. */
  close(): Promise<void>
}

/** About what is accepted in half a millisecond, as turns of a storm take some of them. */
const sockets = 16

/**
 * Connections that the kernel holds until they are accepted, if `net.core.somaxconn` lets it: with Node's 511, most of
 * some thousand clients that come in one moment would be turned away and try again a second later.
 */
const backlog = 4_096

/** Rejects with Node's error (`EADDRINUSE`, `EACCES`, `EADDRNOTAVAIL` in `code`) when it cannot listen. */
export async function listen(server: Server, wanted: Address): Promise<Listening> {
  if (process.platform !== 'linux')
    return { ...(await listenOn(server, wanted)), close: async () => undefined }
  await refuseTaken(wanted)
  const address = await listenOn(server, wanted, true)
  const added = Array.from({ length: sockets - 1 }, () => passingOnTo(server))
  const close = async (servers: readonly SocketServer[]) => void (await Promise.all(servers.map(closed)))
  const [failed] = (await Promise.allSettled(added.map((one) => listenOn(one, address, true)))).filter(
    ({ status }) => status === 'rejected',
  )
  if (failed === undefined) return { ...address, close: () => close(added) }
  // Who is told that it cannot listen does not listen.
  await close([server, ...added])
  throw (failed as PromiseRejectedResult).reason
}

/** Sockets that share a port share it with those of another process too, which nobody would notice. */
async function refuseTaken(wanted: Address): Promise<void> {
  if (wanted.port === 0) return
  const probe = createServer()
  await listenOn(probe, wanted)
  await closed(probe)
}

/** With what a server of Node's sets for its own connections. */
function passingOnTo(server: Server): SocketServer {
  return createSocketServer({ allowHalfOpen: true, noDelay: true }, (socket) =>
    server.emit('connection', socket),
  )
}

function listenOn(server: SocketServer, { host, port }: Address, reusePort = false): Promise<Address> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen({ host, port, backlog, reusePort }, () => {
      server.off('error', reject)
      const address = server.address() as AddressInfo
      resolve({ host: address.address, port: address.port })
    })
  })
}

function closed(server: SocketServer): Promise<void> {
  return new Promise((resolve) => server.close(() => resolve()))
}

/** A line between one client and a server, which a test can stop, break and open again. */
import { once } from 'node:events'
import { type AddressInfo, createConnection, createServer, type Socket } from 'node:net'

export interface TcpProxy {
  readonly port: number
  /** What the server sends stays on its way, until the line is resumed. */
  pause(): void
  resume(): void
  /** Breaks what is there now; the client may come again. */
  cut(): void
  close(): Promise<void>
}

export async function openTcpProxy(serverPort: number): Promise<TcpProxy> {
  const lines = new Set<{ readonly client: Socket; readonly server: Socket }>()
  let isPaused = false
  // Each half is closed by itself, as a line without a proxy would.
  const listener = createServer({ allowHalfOpen: true }, (client) => {
    const server = createConnection({ port: serverPort, host: '127.0.0.1', allowHalfOpen: true })
    const line = { client, server }
    lines.add(line)
    const end = () => {
      lines.delete(line)
      client.destroy()
      server.destroy()
    }
    for (const socket of [client, server]) socket.on('error', end).on('close', end)
    client.pipe(server)
    server.pipe(client)
    if (isPaused) stop(line)
  })
  listener.listen(0, '127.0.0.1')
  await once(listener, 'listening')
  const cut = () => {
    for (const { client, server } of lines) {
      client.resetAndDestroy()
      server.resetAndDestroy()
    }
  }
  return {
    port: (listener.address() as AddressInfo).port,
    pause() {
      isPaused = true
      for (const line of lines) stop(line)
    },
    resume() {
      isPaused = false
      for (const { client, server } of lines) server.pipe(client)
    },
    cut,
    async close() {
      cut()
      listener.close()
      await once(listener, 'close')
    },
  }
}

function stop({ client, server }: { readonly client: Socket; readonly server: Socket }): void {
  server.unpipe(client)
  server.pause()
}

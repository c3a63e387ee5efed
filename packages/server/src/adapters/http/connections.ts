/**
 * Every open connection and how many requests run on it, so that stopping can hang up at once on those that
 * wait for nothing. Node's own list counts a connection that never sent a byte, as browsers open them ahead of
 * need, as busy.
 */
import type { Server } from 'node:http'
import type { Socket } from 'node:net'

export interface Connections {
  /** Hangs up on idle connections now, on the others when their requests are answered, on all after `graceMs`. */
  drain(graceMs: number): void
}

export function trackConnections(server: Server): Connections {
  const running = new Map<Socket, number>()
  let draining = false
  let deadline: NodeJS.Timeout | undefined

  function change(socket: Socket, by: number): void {
    const before = running.get(socket)
    if (before === undefined) return
    running.set(socket, before + by)
    // Everything was handed to the socket: it goes out, then the connection ends.
    if (draining && before + by === 0) socket.destroySoon()
  }

  server.on('connection', (socket) => {
    // Accepted in the last moment before the server stopped listening.
    if (draining) socket.destroy()
    running.set(socket, 0)
    socket.once('close', () => {
      running.delete(socket)
      if (running.size === 0) clearTimeout(deadline)
    })
  })
  server.on('request', (request, response) => {
    const { socket } = request
    change(socket, 1)
    response.once('close', () => change(socket, -1))
  })

  return {
    drain(graceMs) {
      draining = true
      for (const [socket, requests] of running) if (requests === 0) socket.destroy()
      deadline = setTimeout(() => {
        for (const socket of running.keys()) socket.destroy()
      }, graceMs)
      if (running.size === 0) clearTimeout(deadline)
    },
  }
}

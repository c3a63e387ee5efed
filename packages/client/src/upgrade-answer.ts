/**
 * What a server answers to a WebSocket that it does not take: a browser keeps it to itself, and so does Socket.IO. In Node
 * the package `ws` shows it to who asks.
 */
import type { Manager } from 'socket.io-client'

interface NodeWebSocket {
  once?(event: 'unexpected-response', listener: (request: unknown, response: Response) => void): void
  terminate(): void
}
interface Response {
  readonly headers: Readonly<Record<string, string | undefined>>
}

/** Of the attempt that the manager has just begun. */
export function watchUpgrade(
  manager: Manager | undefined,
  onRefused: (retryAfter: string | undefined) => void,
): void {
  const ws = (manager?.engine?.transport as { ws?: NodeWebSocket } | undefined)?.ws
  ws?.once?.('unexpected-response', (_request, { headers }) => {
    onRefused(headers['retry-after'])
    // Who listens has to end it; the error of the transport follows.
    ws.terminate()
  })
}

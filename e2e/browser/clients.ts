/** Clients of the product as applications have them: the stock `socket.io-client`, with a token of the product's own. */
import { io, type Socket } from 'socket.io-client'
import { onTestFinished } from 'vitest'
import type { TestedProduct } from './server.ts'

export interface Client {
  readonly socket: Socket
  /** Names of events and reasons of disconnects, in the order in which they came. */
  readonly story: readonly string[]
  /** Payloads of the events of this name. */
  received(event: string): readonly Readonly<Record<string, unknown>>[]
}

interface ClientOptions {
  readonly name?: string
  readonly workspaces?: string
  readonly transports?: ('websocket' | 'polling')[]
  /** Instead of one that is made for this user. */
  readonly token?: string
}

/** Resolves when it is connected; goes when the test is over. */
export async function connectClient(
  product: TestedProduct,
  user: string,
  options: ClientOptions = {},
): Promise<Client> {
  const { name, workspaces, transports = ['websocket'], token } = options
  const words = [
    ...['--sub', user],
    ...(name === undefined ? [] : ['--name', name]),
    ...(workspaces === undefined ? [] : ['--workspaces', workspaces]),
  ]
  const socket = io(`${product.url}/realtime`, {
    transports,
    forceNew: true,
    reconnection: false,
    auth: { token: token ?? product.token(words) },
  })
  onTestFinished(() => {
    socket.close()
  })
  const story: string[] = []
  const payloads: { event: string; payload: Record<string, unknown> }[] = []
  socket.onAny((event: string, payload: Record<string, unknown>) => {
    story.push(event)
    payloads.push({ event, payload })
  })
  socket.on('disconnect', (reason) => story.push(reason))
  await new Promise<void>((resolve, reject) => {
    socket.once('connect', resolve)
    socket.once('connect_error', reject)
  })
  return {
    socket,
    story,
    received: (event) => payloads.filter((one) => one.event === event).map(({ payload }) => payload),
  }
}

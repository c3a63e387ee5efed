/** Clients of the product as applications have them: the stock `socket.io-client`, with a token of the product's own. */
import type { SocketStats } from '@belfry/contract'
import { io, type Socket } from 'socket.io-client'
import { onTestFinished } from 'vitest'
import { eventually } from './browser.ts'
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
  readonly workspaces?: readonly string[]
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
  const socket = io(`${product.url}/realtime`, {
    transports,
    forceNew: true,
    reconnection: false,
    auth: { token: token ?? product.token({ sub: user, name, workspaces }) },
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

/** For the beginning of a test: the server learns a moment later that the clients of the one before have gone. */
export async function untilNobodyIsConnected(product: TestedProduct): Promise<void> {
  const cookie = (await product.session()).map(({ name, value }) => `${name}=${value}`).join('; ')
  await eventually(
    async () => {
      const answer = await fetch(`${product.url}/api/v1/socket/stats`, { headers: { cookie } })
      return ((await answer.json()) as SocketStats).connections.current
    },
    (count) => count === 0,
  )
}

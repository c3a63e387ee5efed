/** An identity provider's key server on loopback: it publishes what it is told to, and misbehaves on demand. */
import { type KeyObject, randomUUID } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface KeyServer extends AsyncDisposable {
  readonly url: string
  /** Questions that came. */
  readonly asked: () => number
  publish(...keys: readonly object[]): void
  /** From now on, this answers; nothing at all, if absent. */
  misbehave(answer: (request: IncomingMessage, response: ServerResponse) => void): void
}

export function publicJwk(key: KeyObject, kid: string, more: object = {}): object {
  return { ...key.export({ format: 'jwk' }), kid, ...more }
}

export async function startKeyServer(): Promise<KeyServer> {
  let asked = 0
  let body = JSON.stringify({ keys: [] })
  const serve = (_request: IncomingMessage, response: ServerResponse) => {
    response.writeHead(200, { 'content-type': 'application/json', etag: randomUUID() }).end(body)
  }
  let answer = serve
  const server = createServer((request, response) => {
    asked += 1
    answer(request, response)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}/keys`,
    asked: () => asked,
    publish(...keys) {
      body = JSON.stringify({ keys })
      answer = serve
    },
    misbehave(given) {
      answer = given
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

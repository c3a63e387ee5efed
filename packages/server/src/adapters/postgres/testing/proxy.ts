/**
 * Stands between a test and PostgreSQL, and does what networks and operators do: cuts connections, refuses
 * new ones, goes silent, loses one answer.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import net from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { until } from '../../../engine/testing/until.ts'

export interface NetworkProxy extends AsyncDisposable {
  /** As the URL given, through the proxy. */
  readonly url: string
  /** Connections through the proxy now. */
  readonly open: number
  /** Ends every connection; new ones are welcome. */
  cut(): void
  /** Ends every connection and refuses new ones. */
  goAway(): Promise<void>
  comeBack(): Promise<void>
  /** Nothing passes any more, and nothing closes. New connections are taken and not answered. */
  goSilent(): void
  /** The next time a client sends `text`, PostgreSQL gets it, and the connection ends when it has answered. */
  loseAnswerOf(text: string): void
  /** From now on the server seems to say `to` where it says `from`; as long as each other. */
  rewriteAnswers(from: string, to: string): void
}

export async function startProxy(upstreamUrl: string): Promise<NetworkProxy> {
  const directory = await mkdtemp(join(tmpdir(), 'belfry-proxy-'))
  const path = join(directory, '.s.PGSQL.5432')
  const upstream = upstreamOf(upstreamUrl)
  const pairs = new Set<{ client: net.Socket; server: net.Socket }>()
  let silent = false
  let lose: string | undefined
  let rewrite: { from: string; to: string } | undefined
  let listener: net.Server | undefined

  const cut = () => {
    for (const { client, server } of pairs) {
      client.destroy()
      server.destroy()
    }
  }

  const accept = (client: net.Socket) => {
    const server = net.connect(upstream)
    const pair = { client, server }
    let answersAreLost = false
    pairs.add(pair)
    const end = () => {
      client.destroy()
      server.destroy()
      pairs.delete(pair)
    }
    for (const socket of [client, server]) socket.on('error', end).on('close', end)
    client.on('data', (data) => {
      if (silent) return
      if (lose !== undefined && data.includes(lose)) {
        lose = undefined
        answersAreLost = true
      }
      server.write(data)
    })
    server.on('data', (data: Buffer) => {
      if (silent) return
      if (answersAreLost) end()
      else client.write(rewrite === undefined ? data : replaced(data, rewrite.from, rewrite.to))
    })
  }

  const listen = async () => {
    listener = net.createServer(accept)
    const { promise, resolve } = Promise.withResolvers<void>()
    listener.listen(path, resolve)
    await promise
  }

  const stopListening = async () => {
    const { promise, resolve } = Promise.withResolvers<void>()
    if (listener === undefined) resolve()
    else listener.close(() => resolve())
    listener = undefined
    cut()
    await promise
    await until(() => pairs.size === 0)
  }

  await listen()
  return {
    url: `${upstreamUrl.replace(/^(\w+:\/\/(?:[^/@]*@)?)[^/]*(\/[^?]*).*$/, '$1$2')}?host=${directory}`,
    get open() {
      return pairs.size
    },
    cut,
    goAway: stopListening,
    comeBack: listen,
    goSilent() {
      silent = true
    },
    loseAnswerOf(text) {
      lose = text
    },
    rewriteAnswers(from, to) {
      rewrite = { from, to }
    },
    async [Symbol.asyncDispose]() {
      await stopListening()
      await rm(directory, { recursive: true })
    },
  }
}

function upstreamOf(url: string): net.NetConnectOpts {
  const directory = /[?&]host=([^&]*)/.exec(url)?.[1]
  if (directory !== undefined) return { path: join(decodeURIComponent(directory), '.s.PGSQL.5432') }
  const { hostname, port } = new URL(url)
  return { host: hostname, port: port === '' ? 5432 : Number(port) }
}

function replaced(data: Buffer, from: string, to: string): Buffer {
  return Buffer.from(data.toString('latin1').replaceAll(from, to), 'latin1')
}

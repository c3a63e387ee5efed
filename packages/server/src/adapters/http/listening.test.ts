import { execFileSync } from 'node:child_process'
import { createServer, get, type Server } from 'node:http'
import { connect, type Socket } from 'node:net'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { type Listening, listen } from './listening.ts'

const host = '127.0.0.1'
const undo: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const each of undo.splice(0).toReversed()) await each()
})

async function open(port = 0): Promise<{ server: Server; listening: Listening }> {
  const server = createServer((request, response) => response.end(`you asked for ${request.url}`))
  const listening = await listen(server, { host, port })
  undo.push(() => close(server, listening))
  return { server, listening }
}

async function close(server: Server, listening: Listening): Promise<void> {
  const closed = new Promise((resolve) => server.close(resolve))
  server.closeAllConnections()
  await Promise.all([listening.close(), closed])
}

const ask = (port: number, path: string) =>
  new Promise<string>((resolve, reject) => {
    const request = get({ host, port, path, agent: false }, async (response) => {
      resolve((await response.setEncoding('utf8').toArray()).join(''))
    })
    request.on('error', reject)
  })

describe('a server that listens', () => {
  it('answers on every connection, whichever socket it came through', async () => {
    const { listening } = await open()
    const paths = Array.from({ length: 200 }, (_, n) => `/${n}`)
    const answers = await Promise.all(paths.map((path) => ask(listening.port, path)))
    expect(answers).toEqual(paths.map((path) => `you asked for ${path}`))
  })

  it.runIf(process.platform === 'linux')(
    'accepts several connections in a turn of the event loop',
    async () => {
      const { server, listening } = await open()
      const clients = Array.from({ length: 200 }, () => connect(listening.port, host))
      undo.push(async () => clients.map((client) => client.destroy()))
      const turns = await turnsUntilAccepted(server, clients.length)
      // One socket would take a turn for each of them.
      expect(turns).toBeLessThan(clients.length / 2)
    },
  )

  it('refuses a port that another one of them listens on', async () => {
    const { listening } = await open()
    await expect(open(listening.port)).rejects.toMatchObject({ code: 'EADDRINUSE' })
  })

  it.runIf(process.platform === 'linux')('does not listen at all where not all of its sockets can', () => {
    const program = join(import.meta.dirname, 'testing', 'listening-with-few-files.ts')
    const options = '--conditions=source --experimental-strip-types --no-warnings'
    const command = `ulimit -n 80 && exec "$0" ${options} "$1"`
    const settings = { encoding: 'utf8', timeout: 20_000 } as const
    const said = execFileSync('sh', ['-c', command, process.execPath, program], settings)
    expect(JSON.parse(said)).toEqual({ code: 'EMFILE', isListening: false })
  })

  it('has its port free again when it was closed', async () => {
    const { server, listening } = await open()
    await ask(listening.port, '/')
    await close(server, listening)
    await expect(ask(listening.port, '/')).rejects.toMatchObject({ code: 'ECONNREFUSED' })
    undo.length = 0
    const again = await open(listening.port)
    expect(await ask(again.listening.port, '/')).toBe('you asked for /')
  })

  it('waits for its connections before it counts as closed', async () => {
    const { server, listening } = await open()
    const accepted: Socket[] = []
    server.on('connection', (socket: Socket) => accepted.push(socket))
    const clients = Array.from({ length: 40 }, () =>
      connect(listening.port, host).on('error', () => undefined),
    )
    await turnsUntilAccepted(server, clients.length, accepted)
    let isClosed = false
    const closed = listening.close().then(() => {
      isClosed = true
    })
    await ask(listening.port, '/')
    expect(isClosed).toBe(false)
    for (const socket of accepted) socket.destroy()
    await closed
  })
})

/** From the turn in which the first one was accepted. */
function turnsUntilAccepted(
  server: Server,
  count: number,
  accepted: readonly Socket[] = [],
): Promise<number> {
  let seen = accepted.length
  let turns = 0
  return new Promise((resolve) => {
    const turn = () => {
      if (seen > 0) turns += 1
      if (seen >= count) resolve(turns)
      else setImmediate(turn)
    }
    server.on('connection', () => {
      seen += 1
    })
    turn()
  })
}

/** `belfry start` as an operator meets it: ready, used, stopped, and started where something is in the way. */
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import {
  type Product,
  type ProductOptions,
  runProduct,
  spawnProduct,
  startProduct,
  temporaryDirectory,
} from '../product.ts'
import {
  nobody,
  ordinaryUser,
  pidNamespace,
  postgresProcesses,
  readOnlyMount,
  serverProcesses,
} from './surroundings.ts'

/** These situations do not exist for an ordinary user, so there is nothing to test then. */
const itAsRoot: (name: string, test: () => void | Promise<void>) => void =
  process.getuid?.() === 0 ? it : () => undefined

let directory: string
let products: Product[]
let starts: (ProductOptions & { dataDirectory: string })[]

beforeEach(() => {
  directory = temporaryDirectory()
  products = []
  starts = []
})

afterEach(async () => {
  for (const product of products) {
    product.process.kill('SIGKILL')
    await product.ended
  }
  if (products.length > 0) await recover()
  rmSync(directory, { recursive: true, force: true })
})

async function start(options: ProductOptions = {}): Promise<Product> {
  const settings = { dataDirectory: directory, ...options }
  starts.push(settings)
  const product = await startProduct(settings)
  products.push(product)
  return product
}

/** Whatever a test killed is started once more and stopped in order, so that nothing runs on. */
async function recover(): Promise<void> {
  for (const { dataDirectory, spawnAs } of starts) {
    if (!existsSync(join(dataDirectory, 'postgres', 'cluster', 'postmaster.pid'))) continue
    const product = await startProduct(spawnAs === undefined ? { dataDirectory } : { dataDirectory, spawnAs })
    await product.stop()
  }
}

describe('belfry start', () => {
  it('serves web, REST and health on one port, signs in by its link, and stops at SIGTERM with PostgreSQL', async () => {
    const product = await start()
    expect((await fetch(`${product.url}/healthz`)).status).toBe(200)
    const readiness = await fetch(`${product.url}/readyz`)
    expect(readiness.status, await readiness.text()).toBe(200)
    expect(await (await fetch(product.url)).text()).toContain('<!doctype html>')
    expect((await fetch(`${product.url}/api/v1/system/overview`)).status).toBe(401)

    const token = product.signInLink.split('#token=')[1]
    const signIn = () =>
      fetch(`${product.url}/api/v1/access/session`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', origin: product.url },
        body: JSON.stringify({ token }),
      })
    const answer = await signIn()
    expect(answer.status).toBe(200)
    const cookie = (answer.headers.get('set-cookie') ?? '').split(';')[0] ?? ''
    const overview = await fetch(`${product.url}/api/v1/system/overview`, { headers: { cookie } })
    expect(await overview.json()).toMatchObject({ version: '0.1.0', database: { kind: 'embedded' } })
    expect((await signIn()).status).toBe(401)

    product.process.kill('SIGTERM')
    expect(await product.ended).toBe(0)
    expect(postgresProcesses(directory)).toEqual([])
    expect(product.output()).not.toMatch(/error|warn/i)
  })

  it('keeps sessions and data over a restart', async () => {
    const first = await start()
    await first.stop()
    const second = await start()
    expect(second.output()).toContain('up to date')
    expect(statSync(join(directory, 'jwt-secret')).mode & 0o777).toBe(0o600)
  })

  it('stops at Ctrl-C, which reaches the whole process group, in order: first the server, then PostgreSQL', async () => {
    const product = await start({ wrapper: ['setsid', '--wait'] })
    const [postmaster] = postgresProcesses(directory)
    expect(postmaster).toBeDefined()
    const server = Number(readFileSync(join(directory, 'owner.json'), 'utf8').match(/"pid": (\d+)/)?.[1])
    process.kill(-server, 'SIGINT')
    expect(await product.ended).toBe(0)
    expect(product.output()).toContain('Stopped')
    expect(readFileSync(join(directory, 'postgres', 'postgres.log'), 'utf8')).toContain(
      'database system is shut down',
    )
  })

  it('stops while somebody watches a stream and somebody else holds half a request open', async () => {
    const product = await start()
    const token = product.signInLink.split('#token=')[1]
    const answer = await fetch(`${product.url}/api/v1/access/session`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', origin: product.url },
      body: JSON.stringify({ token }),
    })
    const cookie = (answer.headers.get('set-cookie') ?? '').split(';')[0] ?? ''
    const stream = await fetch(`${product.url}/api/v1/system/overview/stream`, { headers: { cookie } })
    const reader = stream.body?.getReader()
    expect((await reader?.read())?.done).toBe(false)
    const { connect } = await import('node:net')
    const half = connect(Number(new URL(product.url).port), '127.0.0.1')
    half.on('error', () => undefined)
    half.write('POST /api/v1/access/session HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{')
    product.process.kill('SIGTERM')
    expect(await product.ended).toBe(0)
    half.destroy()
  })

  it('is stopped while it starts: nothing runs on, and the next start works', async () => {
    const child = spawnProduct({ dataDirectory: directory })
    await vi.waitFor(() => expect(existsSync(join(directory, 'owner.json'))).toBe(true), { timeout: 20_000 })
    const ended = new Promise((resolve) => child.once('close', resolve))
    child.kill('SIGINT')
    await ended
    expect(postgresProcesses(directory)).toEqual([])
    await start()
  })

  it('works where PostgreSQL was taken from a data directory with a path of 150 characters', async () => {
    const long = join(directory, 'x'.repeat(150 - directory.length - 1))
    expect(long).toHaveLength(150)
    await start({ dataDirectory: long })
  })

  it('works as an ordinary user', async () => {
    const user = ordinaryUser(directory)
    await start({ spawnAs: user })
  })
})

describe('belfry start refuses, in one sentence and with exit code 1, when', () => {
  const refusal = (options: ProductOptions = {}) => {
    const { code, output } = runProduct(['start', '--link'], { dataDirectory: directory, ...options })
    expect(code, output).toBe(1)
    const lines = output
      .trim()
      .split('\n')
      .filter((line) => line.startsWith('✖'))
    expect(lines, output).toHaveLength(1)
    return output
  }

  it('the port is in use', async () => {
    const taken = createServer()
    await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve))
    const address = taken.address()
    const port = typeof address === 'object' && address !== null ? address.port : 0
    expect(refusal({ environment: { PORT: String(port) } })).toContain(
      `Another program listens on port ${port}`,
    )
    taken.close()
    expect(postgresProcesses(directory)).toEqual([])
  })

  it('the host is no address of this machine', () => {
    expect(refusal({ environment: { HOST: '203.0.113.7' } })).toContain('no address of this machine')
  })

  it('another server has the data directory, in twenty races of twenty', async () => {
    for (let race = 0; race < 20; race++) {
      const both = await Promise.allSettled([
        startProduct({ dataDirectory: directory }),
        startProduct({ dataDirectory: directory }),
      ])
      const winners = both.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []))
      const losers = both.flatMap((result) => (result.status === 'rejected' ? [String(result.reason)] : []))
      expect(winners, losers.join('\n')).toHaveLength(1)
      expect(losers[0]).toMatch(/Another Belfry .*is using the data directory/)
      for (const winner of winners) await winner.stop()
    }
  })

  it('the data directory is used from another pid namespace, or by a PostgreSQL that was left behind there', async () => {
    const inside = await start({ wrapper: pidNamespace() })
    expect(refusal()).toMatch(
      /Another Belfry \(process \d+ in another container on .*is using the data directory/,
    )
    // The server inside dies; its PostgreSQL lives on in the namespace, whose first process is a shell.
    for (const pid of serverProcesses(directory)) process.kill(pid, 'SIGKILL')
    await vi.waitFor(() => expect(serverProcesses(directory)).toEqual([]), { timeout: 20_000 })
    expect(refusal()).toContain('A PostgreSQL process in another container is still using')
    for (const pid of postgresProcesses(directory)) process.kill(pid, 'SIGKILL')
    inside.process.kill('SIGKILL')
    await inside.ended
  })

  it('the data directory was copied while it was in use', async () => {
    await start()
    const copy = temporaryDirectory()
    cpSync(directory, copy, {
      recursive: true,
      filter: (source) => statSync(source).isFile() || statSync(source).isDirectory(),
    })
    expect(refusal({ dataDirectory: copy })).toContain('was copied or moved while a server was using it')
    rmSync(copy, { recursive: true, force: true })
  })

  it('the disk is read-only', () => {
    expect(refusal({ wrapper: readOnlyMount(directory) })).toContain('read-only file system')
  })

  it('a file is in the way of the data directory', () => {
    const file = join(directory, 'file')
    writeFileSync(file, '')
    expect(refusal({ dataDirectory: file })).toContain('a file is in the way')
  })

  it('the data was written by another major version of PostgreSQL', async () => {
    await (await start()).stop()
    writeFileSync(join(directory, 'postgres', 'cluster', 'PG_VERSION'), '16\n')
    expect(refusal()).toContain('was written by PostgreSQL 16, and this Belfry brings PostgreSQL 18')
    writeFileSync(join(directory, 'postgres', 'cluster', 'PG_VERSION'), '18\n')
  })

  it('the database that DATABASE_URL names does not answer', () => {
    const output = refusal({ environment: { DATABASE_URL: 'postgres://user:hunter2@127.0.0.1:9/nothing' } })
    expect(output).toContain('127.0.0.1')
    expect(output).not.toContain('hunter2')
  })

  it('settings are wrong: all of them at once, and no secret among them', () => {
    const output = refusal({
      environment: {
        PORT: 'many',
        JWT_SECRET: 'short-secret',
        SOCKET_CORS_ORIGIN: '*',
        LOG_LEVEL: 'loud',
        BELFRY_DATADIR: '/x',
      },
    })
    for (const name of ['PORT "many"', 'JWT_SECRET', 'LOG_LEVEL "loud"', 'BELFRY_DATADIR'])
      expect(output).toContain(name)
    expect(output).not.toContain('short-secret')
  })

  itAsRoot('the parents of the data directory are closed to the user of PostgreSQL', () => {
    const closed = join(directory, 'closed')
    mkdirSync(closed, { mode: 0o700 })
    expect(refusal({ dataDirectory: join(closed, 'data') })).toMatch(/may not enter|cannot enter/)
  })

  itAsRoot('the data directory belongs to another user', async () => {
    await (await start()).stop()
    expect(refusal({ spawnAs: nobody() })).toMatch(/may not write|belongs to the user/)
  })
})

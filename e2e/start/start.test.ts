/** `belfry start` where something is in the way: one sentence, exit code 1, and nothing left running. */
import { cpSync, mkdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { describe, expect, it, vi } from 'vitest'
import { type ProductOptions, runProduct, startProduct, temporaryDirectory } from '../product.ts'
import { nobody, pidNamespace, postgresProcesses, readOnlyMount, serverProcesses } from './surroundings.ts'
import { directory, start } from './world.ts'

/** These situations do not exist for an ordinary user, so there is nothing to test then. */
const itAsRoot: (name: string, test: () => void | Promise<void>) => void =
  process.getuid?.() === 0 ? it : () => undefined

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

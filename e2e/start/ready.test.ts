/** `belfry start` as an operator meets it: ready, used, stopped, and started again. */
import { existsSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, vi } from 'vitest'
import { spawnProduct } from '../product.ts'
import { ordinaryUser, postgresProcesses } from './surroundings.ts'
import { directory, start } from './world.ts'

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

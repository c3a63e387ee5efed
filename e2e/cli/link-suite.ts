import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Product } from '../product.ts'
import { mustRefuse, mustSucceed } from './command-line.ts'
import type { World, Worlds } from './world.ts'

export function linkSuite(worlds: Worlds): void {
  let world: World

  beforeEach(async () => {
    world = await worlds.create()
  })
  afterEach(() => world.leave())

  const link = async (environment: Record<string, string> = {}) =>
    (await mustSucceed(['link'], { environment: { ...world.environment, ...environment } })).stdout.trim()

  const signIn = ({ url }: Product, signInLink: string) =>
    fetch(`${url}/api/v1/access/session`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', origin: url },
      body: JSON.stringify({ token: signInLink.split('#token=')[1] }),
    })

  describe('belfry link', () => {
    it('makes links beside a running server, each of which signs in once', async () => {
      await world.migrate()
      const product = await world.start()
      // The server took a free port, which only it knows.
      const links = [await link(), await link({ PORT: '1' })]
      expect(new Set(links).size).toBe(2)
      for (const made of links) {
        expect(made).toMatch(new RegExp(`^${product.url}/sign-in#token=[\\w-]{20,}$`))
        const answer = await signIn(product, made)
        expect(answer.status).toBe(200)
        const cookie = (answer.headers.get('set-cookie') ?? '').split(';')[0] ?? ''
        const overview = await fetch(`${product.url}/api/v1/system/overview`, { headers: { cookie } })
        expect(overview.status).toBe(200)
        expect((await signIn(product, made)).status).toBe(401)
      }
    })

    it('makes one before a server starts, which it then takes', async () => {
      await world.migrate()
      const made = await link()
      const product = await world.start()
      expect((await signIn(product, made)).status).toBe(200)
    })

    it('refuses before there are tables, and says what to do', async () => {
      expect(await mustRefuse(['link'], { environment: world.environment })).toContain(
        'run "belfry start" or "belfry migrate up" first',
      )
    })

    it('writes the address so that it can be opened', async () => {
      await world.migrate()
      for (const [host, shown] of [
        ['0.0.0.0', 'http://localhost:4000/'],
        ['::', 'http://localhost:4000/'],
        ['fd00::1', 'http://[fd00::1]:4000/'],
        ['belfry.example.com', 'http://belfry.example.com:4000/'],
      ] as const) {
        const made = await link({ HOST: host, PORT: '4000' })
        expect(made.startsWith(shown), made).toBe(true)
        expect(URL.canParse(made)).toBe(true)
      }
    })
  })
}

/** `examples/fastify`: a program without a socket orders by REST, one with a socket hears of it. */
import { expect, it } from 'vitest'
import { exampleWorld } from './example.ts'

it('tells over sockets what was ordered by REST, and refuses what is no order', async () => {
  await using world = exampleWorld()
  const host = await world.host('fastify')
  const client = world.run('fastify', ['client.ts', 'soup'], { APP_URL: host.url })
  await client.says(/mine is 1\n/)
  const order = (dish: string) =>
    fetch(`${host.url}/orders`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ dish }),
    })
  expect(await (await order('bread')).json()).toEqual({ id: 2, dish: 'bread' })
  await client.says(/order 2: bread\n/)
  expect((await order('')).status).toBe(400)
  expect(await (await fetch(`${host.url}/orders`)).json()).toEqual([
    { id: 1, dish: 'soup' },
    { id: 2, dish: 'bread' },
  ])
  // While somebody is connected, who then goes by themselves.
  await host.stop()
  client.process.kill('SIGTERM')
  expect(await client.ended, client.output()).toBe(0)
})

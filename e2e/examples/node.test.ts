/** `examples/node`: orders over sockets, kept over a kill, in backups, and gone in order. */
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { runProduct } from '../product.ts'
import { exampleWorld, type Host } from './example.ts'

const placed = async ({ url }: Host) => {
  const orders = (await (await fetch(`${url}/orders`)).json()) as { dish: string }[]
  return orders.map(({ dish }) => dish)
}

it('orders a dish, and everybody hears of it', async () => {
  await using world = exampleWorld()
  const host = await world.host('node', { LOG_LEVEL: 'info' })
  // Its own log, as nobody gave it another.
  expect(host.output()).toContain('"message":"Belfry is ready"')
  const first = world.run('node', ['client.ts', 'soup'], { APP_URL: host.url })
  await first.says(/mine is 1\n/)
  const second = world.run('node', ['client.ts', 'bread'], { APP_URL: host.url })
  await second.says(/order 2: bread\n/)
  await first.says(/order 1: soup\norder 2: bread\n|mine is 1\norder 2: bread\n/)
  for (const client of [first, second]) {
    client.process.kill('SIGTERM')
    expect(await client.ended, client.output()).toBe(0)
  }
  expect(await placed(host)).toEqual(['soup', 'bread'])
  expect((await fetch(`${host.url}/nothing`)).status).toBe(404)
  await host.stop()
})

it('has its orders after a kill, in a backup, and after a restore', async () => {
  await using world = exampleWorld()
  const killed = await world.host('node')
  await world.run('node', ['client.ts', 'soup'], { APP_URL: killed.url }).says(/mine is 1\n/)
  killed.process.kill('SIGKILL')
  await killed.ended
  const host = await world.host('node')
  expect(await placed(host)).toEqual(['soup'])
  const { dataDirectory } = host
  const file = join(world.directory, 'orders.backup')
  expect(runProduct(['backup', file], { dataDirectory })).toMatchObject({ code: 0 })
  await world.run('node', ['client.ts', 'bread'], { APP_URL: host.url }).says(/mine is 2\n/)
  await host.stop()
  expect(runProduct(['restore', file], { dataDirectory }).code).toBe(1)
  expect(runProduct(['restore', file, '--replace'], { dataDirectory })).toMatchObject({ code: 0 })
  const restored = await world.host('node')
  expect(await placed(restored)).toEqual(['soup'])
  // Ids go on where the backup was.
  await world.run('node', ['client.ts', 'salad'], { APP_URL: restored.url }).says(/mine is 2\n/)
  await restored.stop()
})

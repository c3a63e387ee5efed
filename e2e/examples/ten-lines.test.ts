/** `examples/ten-lines`: the programs of the README, run as it says. */
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { exampleWorld } from './example.ts'

it('says to everybody what one of them says', async () => {
  await using world = exampleWorld()
  const server = world.run('ten-lines', ['server.ts'], {
    BELFRY_DATA_DIR: join(world.directory, 'data'),
    PORT: '0',
    MAX_SOCKET_CONNECTIONS: '1000',
  })
  // What it prints is how a client is run.
  const [, line = ''] = await server.says(/^node (client\.ts \S+ http\S+)\n/m)
  const clients = [1, 2].map(() => world.run('ten-lines', line.split(' '), {}))
  for (const client of clients) await client.says(/^Hello, everybody\.\n/m)
  const [first, second] = clients
  // Whoever came first hears the other one too.
  const third = world.run('ten-lines', line.split(' '), {})
  await third.says(/Hello/)
  for (const client of [first, second]) await client?.says(/Hello, everybody\.\n(.*\n)*Hello, everybody\.\n/)
  server.process.kill('SIGTERM')
  expect(await server.ended, server.output()).toBe(0)
})

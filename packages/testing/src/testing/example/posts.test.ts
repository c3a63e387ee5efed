import { startTestServer, type TestServer } from '@belfry/testing'
import { expect, it } from 'vitest'
import { createApplication, posts } from './posts.ts'

it('tells the workspace of a new post, and nobody else', async () => {
  await using server: TestServer = await startTestServer(createApplication(() => server.sockets))
  const ana = await server.open(server.client({ sub: 'ana', workspaces: ['acme'] }), posts)
  const bob = await server.open(server.client({ sub: 'bob', workspaces: ['acme'] }), posts)
  const eva = await server.open(server.client({ sub: 'eva', workspaces: ['other'] }), posts)
  const heardByBob = server.events(bob, 'post:created')
  const heardByEva = server.events(eva, 'post:created')

  const { id } = await ana.command('post:create', { title: 'Hello' })

  expect((await heardByBob.next()).data).toEqual({ id, title: 'Hello' })
  await heardByEva.none()
})

it('gets what was missed over a cut, and is told when that is not to be had', async () => {
  await using server: TestServer = await startTestServer(createApplication(() => server.sockets))
  const client = server.client({ sub: 'ana', workspaces: ['acme'] })
  const live = await server.open(client, posts)
  const bob = await server.open(server.client({ sub: 'bob', workspaces: ['acme'] }), posts)
  const heard = server.events(live, 'post:created')
  const resets: string[] = []
  live.onReset((reason) => resets.push(reason))

  await server.cut(client)
  expect(client.state.get()).toMatchObject({ status: 'waiting', reason: 'line_lost' })
  await bob.command('post:create', { title: 'While you were away' })
  await server.mend(client)
  await server.clock.advance('1s')
  expect((await heard.next()).data).toMatchObject({ title: 'While you were away' })
  expect(resets).toEqual([])

  await server.restart()
  await server.clock.advance('5s')
  expect(client.state.get().status).toBe('connected')
  expect(resets).toEqual(['epoch-changed'])
})

it('lets nobody in whose token has expired', async () => {
  await using server: TestServer = await startTestServer(createApplication(() => server.sockets))
  const token = server.token({ sub: 'ana', expiresIn: '10m' })
  await server.clock.advance('11m')
  await expect(server.sockets.authenticate(token)).rejects.toMatchObject({ code: 'token_expired' })
})

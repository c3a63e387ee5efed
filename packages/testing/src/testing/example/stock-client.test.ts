import { startTestServer, type TestServer } from '@belfry/testing'
import { io } from 'socket.io-client'
import { expect, it } from 'vitest'
import { createApplication } from './posts.ts'

it('serves stock clients', async () => {
  await using server: TestServer = await startTestServer(createApplication(() => server.sockets))
  const socket = server.stockClient(io, { sub: 'ana', workspaces: ['acme'] }, { namespace: '/posts' })
  const created = server.next(socket, 'post:created')
  await socket.emitWithAck('post:create', { title: 'Hello' })
  expect((await created).data).toMatchObject({ title: 'Hello' })
})

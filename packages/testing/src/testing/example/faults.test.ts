import { createLedger, startFaultProxy, startTestServer, type TestServer, until } from '@belfry/testing'
import { io } from 'socket.io-client'
import { it } from 'vitest'
import { createApplication, posts } from './posts.ts'

it('loses nothing without a word while its line breaks', async () => {
  await using server: TestServer = await startTestServer(createApplication(() => server.sockets))
  await using proxy = await startFaultProxy({ to: server.url })
  const line = await proxy.line()
  const socket = io(`${line.url}/posts`, {
    transports: ['websocket'],
    reconnectionDelay: 10,
    auth: { token: server.token({ sub: 'ana', workspaces: ['acme'] }) },
  })
  await until(() => socket.connected)

  const ledger = createLedger()
  const ana = ledger.client('ana', ['acme'])
  socket.on('post:created', ({ id }) => ana.received(id))
  socket.on('sync:reset', ({ reason }) => ana.reset(reason))
  const publish = async (id: string) => {
    ledger.published({ id, rooms: ['acme'] })
    const rooms = [{ kind: 'workspace', id: 'acme' }]
    await server.sockets.publish(posts, 'post:created', { id, title: 'Hello' }, { rooms })
  }

  await publish('before')
  await until(() => ledger.isSettled())
  line.cut()
  await publish('meanwhile')
  line.mend()
  await until(() => socket.connected)
  await publish('afterwards')
  await until(() => ledger.isSettled())
  ledger.verdict().check()
  socket.disconnect()
})

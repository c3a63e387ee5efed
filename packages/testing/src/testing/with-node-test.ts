/** The same as in other frameworks, with `node:test` and nothing else. Run by frameworks.test.ts. */
import { deepEqual, equal, rejects } from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { startTestServer, type TestServer } from '@belfry/testing'
import { acme, ana, posts, servePosts } from './posts.ts'

describe('with node:test', () => {
  let server: TestServer
  before(async () => {
    server = await startTestServer(servePosts())
  })
  after(() => server.close())

  it('a client hears, asks, and comes back', async () => {
    const client = server.client(ana)
    const live = await server.open(client, posts)
    const heard = server.events(live, 'post:created')
    await heard.none()
    await server.sockets.publish(posts, 'post:created', { n: 1 }, { rooms: [acme] })
    deepEqual((await heard.next()).data, { n: 1 })
    deepEqual(await live.command('post:view', { id: 'a' }), { views: 1 })
    await server.cut(client)
    equal(client.state.get().status, 'waiting')
    await rejects(server.next(live, 'post:edited', { withinMs: 1 }), /Nothing came on \/posts/)
    await server.mend(client)
    await server.clock.advance('5m')
    equal(client.state.get().status, 'connected')
  })
})

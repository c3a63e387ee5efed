/** Lines and servers that come and go in any order: nothing hangs, and when all is mended everybody is there again. */
import { expect, it } from 'vitest'
import { startTestServer } from './index.ts'
import { acme, posts, servePosts } from './testing/posts.ts'

const actions = ['cut', 'silence', 'mend', 'publish', 'command', 'advance', 'stop', 'crash', 'start'] as const
const actionsMax = 60

it('everybody comes back, whatever was done to lines and server before', async () => {
  const seed = Math.floor(Math.random() * 2 ** 31)
  const choose = seededChoice(seed)
  const served = servePosts()
  await using server = await startTestServer(served)
  const clients = ['websocket', 'polling', 'websocket', 'polling'].map((transport, n) =>
    server.client({ sub: `user-${n}`, workspaces: ['acme'] }, { socket: { transports: [transport] } }),
  )
  for (const client of clients) await server.open(client, posts)
  const answers: Promise<unknown>[] = []
  let isUp = true
  for (let n = 0; n < actionsMax; n += 1) {
    const client = choose(clients)
    const action = choose(actions)
    if (action === 'cut' || action === 'silence' || action === 'mend') await server[action](client)
    else if (action === 'advance') await server.clock.advance(choose(['1s', '20s', '1m'] as const))
    else if (action === 'command') {
      const live = client.namespace(posts)
      // Given up after a minute, or rejected where there is no hope.
      answers.push(live.command('post:view', { id: `${n}` }, { key: `${n}` }).catch(() => {}))
    } else if (action === 'publish' && isUp)
      await server.sockets.publish(posts, 'post:created', { n }, { rooms: [acme] })
    else if ((action === 'stop' || action === 'crash') && isUp) {
      isUp = false
      await server[action]()
    } else if (action === 'start' && !isUp) {
      isUp = true
      await server.start()
    }
  }
  if (!isUp) await server.start()
  await server.mend()
  await server.clock.advance('1m')
  const states = clients.map(({ state }) => state.get().status)
  expect(states, `seed ${seed}`).toEqual(clients.map(() => 'connected'))
  expect(server.sockets.getConnectedUsers(), `seed ${seed}`).toHaveLength(clients.length)
  await Promise.all(answers)
}, 60_000)

/** A linear congruential generator: the same seed chooses the same. */
function seededChoice(seed: number) {
  let state = seed
  return <Choice>(choices: readonly Choice[]): Choice => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff
    return choices[Math.floor((state / 0x80000000) * choices.length)] as Choice
  }
}

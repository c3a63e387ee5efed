/**
 * A process that uses a client and closes it: with nothing left behind, it ends by itself. What it is to do stands in
 * its arguments: the URL, a token, and when to close.
 */
import { createClient } from '@belfry/client'
import { posts } from '../protocol/namespaces.ts'

const [url = '', token = '', when = ''] = process.argv.slice(2)
const client = createClient({ url, token: async () => token })
const live = client.namespace(posts)
live.on('post:created', () => {})
const reached = new Promise<void>((resolve) => {
  const look = () => {
    if (live.state.get().status === when) resolve()
  }
  live.state.subscribe(look)
  look()
})
await reached
if (when === 'open') await live.command('post:view', { id: 'a' })
else live.command('room:join', { room: { kind: 'thread', id: 'a' } }, { key: 'k' }).catch(() => {})
client.close()
process.stdout.write(`closed when ${when}\n`)

import { loadSettings, serveNamespace, startBelfry } from 'belfry'
import { chat } from './contract.ts'

async function say(message: { text: string }): Promise<void> {
  await belfry.sockets.publish(chat, 'message:said', message, { rooms: [{ kind: 'everyone', id: 'all' }] })
}
const namespaces = [serveNamespace(chat, { commands: { 'message:say': say } })]
const belfry = await startBelfry({ loaded: loadSettings(process.env), namespaces })
console.log('node client.ts', belfry.issueToken({ sub: 'ana' }), belfry.address)
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => belfry.stop())

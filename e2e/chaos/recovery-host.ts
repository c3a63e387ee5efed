/**
 * The built product as a program hosts it, with an ordinary namespace and a durable one. What nobody but the program
 * itself can publish without a database, it publishes when it is asked to on its own port: `POST /` with number, time,
 * room and text answers when the event was published.
 */
import { createServer } from 'node:http'
import { text } from 'node:stream/consumers'
import { defineNamespace, stream } from '@belfry/contract'
import { loadSettings, serveNamespace, startBelfry } from 'belfry'
import { z } from 'zod'

const events = {
  'number:told': stream(z.object({ n: z.int(), t: z.int(), text: z.string() }), {
    summary: 'A number.',
    rooms: ['workspace'],
  }),
}
const passing = defineNamespace({ name: '/passing', summary: 'Kept in memory.', events, commands: {} })
const lasting = defineNamespace({
  name: '/lasting',
  summary: 'Kept in PostgreSQL.',
  durable: true,
  events,
  commands: {},
})

const belfry = await startBelfry({
  loaded: loadSettings(process.env),
  namespaces: [serveNamespace(passing, { commands: {} }), serveNamespace(lasting, { commands: {} })],
})
const control = createServer(async (request, response) => {
  try {
    const { room, ...data } = JSON.parse(await text(request))
    await belfry.sockets.publish(passing, 'number:told', data, { rooms: [{ kind: 'workspace', id: room }] })
    response.end()
  } catch (error) {
    response.writeHead(500).end(String(error))
  }
})
await new Promise<void>((resolve) => control.listen(0, '127.0.0.1', resolve))
const address = control.address()
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.once(signal, () => {
    control.close()
    control.closeAllConnections()
    void belfry.stop()
  })
process.stdout.write(`Control  http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}
Address  ${belfry.address}
Sign in  ${belfry.address}${await belfry.createSignInLink()}
Ctrl-C stops it.
`)

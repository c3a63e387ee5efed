/** Belfry in a plain Node server: `node server.ts`, and beside it `node client.ts`. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { loadSettings, serveNamespace, sql, startBelfry } from 'belfry'
import { type Order, orders } from './contract.ts'

const http = createServer((request, response) => {
  answer(request, response).catch((error) => {
    console.error(error)
    response.writeHead(500).end()
  })
})
const belfry = await startBelfry({
  loaded: loadSettings({ BELFRY_DATA_DIR: 'data', ...process.env }),
  httpServer: http,
  tables: { schema: 'kitchen', migrations: new URL('./migrations/', import.meta.url) },
  namespaces: [serveNamespace(orders, { commands: { 'order:place': ({ dish }) => placeOrder(dish) } })],
})

async function answer({ url }: IncomingMessage, response: ServerResponse): Promise<void> {
  if (url === '/orders') {
    const placed = await belfry.query(sql<Order>`select id, dish from kitchen.orders order by id`)
    response.setHeader('content-type', 'application/json').end(JSON.stringify(placed))
  } else if (url === '/token') {
    // Your own sign-in goes here: a token says who somebody is.
    response.end(belfry.issueToken({ sub: 'guest', workspaces: ['kitchen'] }))
  } else {
    response.writeHead(404).end()
  }
}

/** The row and the event belong together: both, or neither. */
function placeOrder(dish: string): Promise<Order> {
  return belfry.transaction(async (transaction) => {
    const [order] = await transaction.query(
      sql<Order>`insert into kitchen.orders (dish) values (${dish}) returning id, dish`,
    )
    if (order === undefined) throw new Error('PostgreSQL gave no row back.')
    await transaction.publish(orders, 'order:placed', order, {
      rooms: [{ kind: 'workspace', id: 'kitchen' }],
    })
    return order
  })
}

const port = Number(process.env['APP_PORT'] ?? 8080)
http.listen(port, '127.0.0.1', () => console.log(`http://localhost:${port}`))
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => belfry.stop())

/** Belfry in an application of Express: `node server.ts`, then open http://localhost:8080 twice. */
import { createServer } from 'node:http'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { loadSettings, serveNamespace, sql, startBelfry } from 'belfry'
import express from 'express'
import { type Order, orders } from './contract.ts'

const app = express()
const http = createServer(app)
const belfry = await startBelfry({
  loaded: loadSettings({ BELFRY_DATA_DIR: 'data', ...process.env }),
  httpServer: http,
  tables: { schema: 'kitchen', migrations: new URL('./migrations/', import.meta.url) },
  namespaces: [serveNamespace(orders, { commands: { 'order:place': ({ dish }) => placeOrder(dish) } })],
})

app.get('/', (_request, response) => response.sendFile(join(import.meta.dirname, 'page.html')))
const clientPackage = import.meta.resolve('socket.io-client/package.json')
app.use('/socket.io-client', express.static(fileURLToPath(new URL('./dist/', clientPackage))))
// Your own sign-in goes here: a token says who somebody is.
app.get('/token', (_request, response) => {
  response.send(belfry.issueToken({ sub: 'guest', workspaces: ['kitchen'] }))
})
app.get('/orders', async (_request, response) => {
  response.json(await belfry.query(sql<Order>`select id, dish from kitchen.orders order by id`))
})

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

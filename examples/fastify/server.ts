/** Belfry in an application of Fastify: `node server.ts`, and beside it `node client.ts`. */
import { loadSettings, serveNamespace, sql, startBelfry } from 'belfry'
import fastify from 'fastify'
import { type Order, orders } from './contract.ts'

const app = fastify()
const belfry = await startBelfry({
  loaded: loadSettings({ BELFRY_DATA_DIR: 'data', ...process.env }),
  httpServer: app.server,
  tables: { schema: 'kitchen', migrations: new URL('./migrations/', import.meta.url) },
  namespaces: [serveNamespace(orders, { commands: { 'order:place': ({ dish }) => placeOrder(dish) } })],
})

// Your own sign-in goes here: a token says who somebody is.
app.get('/token', () => belfry.issueToken({ sub: 'guest', workspaces: ['kitchen'] }))
app.get('/orders', () => belfry.query(sql<Order>`select id, dish from kitchen.orders order by id`))
const ordered = {
  type: 'object',
  required: ['dish'],
  properties: { dish: { type: 'string', minLength: 1, maxLength: 100 } },
}
/** As the command does, for programs without a socket. */
app.post<{ Body: { dish: string } }>('/orders', { schema: { body: ordered } }, ({ body }) =>
  placeOrder(body.dish),
)

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

// Before Fastify closes, which waits for every connection, those of sockets too.
app.addHook('preClose', () => belfry.stop())
// For "localhost", Fastify may open a second server for the other kind of address, which Belfry does not know.
console.log(await app.listen({ port: Number(process.env['APP_PORT'] ?? 8080), host: '127.0.0.1' }))
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => app.close())

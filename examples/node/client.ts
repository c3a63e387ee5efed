/** Orders a dish, and says what everybody orders until Ctrl-C: `node client.ts soup`. */
import { createClient } from '@belfry/client'
import { orders } from './contract.ts'

const url = process.env['APP_URL'] ?? 'http://localhost:8080'
const client = createClient({ url, token: async () => (await fetch(`${url}/token`)).text() })
const live = client.namespace(orders)
live.on('order:placed', ({ id, dish }) => console.log(`order ${id}: ${dish}`))

const { id } = await live.command('order:place', { dish: process.argv[2] ?? 'soup' })
console.log(`mine is ${id}`)

for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => client.close())

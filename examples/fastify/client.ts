/** Orders a dish, and says what everybody orders until Ctrl-C: `node client.ts soup`. */
import { io } from 'socket.io-client'

const url = process.env['APP_URL'] ?? 'http://localhost:8080'
const socket = io(`${url}/orders`, {
  auth: async (give) => give({ token: await (await fetch(`${url}/token`)).text() }),
})
socket.on('order:placed', ({ id, dish }) => console.log(`order ${id}: ${dish}`))
socket.on('connect_error', (error) => console.error(error.message))

const answer = await socket.emitWithAck('order:place', { dish: process.argv[2] ?? 'soup' })
console.log(answer.ok ? `mine is ${answer.data.id}` : answer.error.message)

for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => socket.disconnect())

/** Belfry in memory: engine and wire as in the product, with events through their contract, the log and the broker. */
import { defineNamespace, stream } from '@belfry/contract'
import { listen, serveNamespace } from 'belfry'
import { createMemoryStore, loadSettings, startInMemory } from 'belfry/testing'
import { z } from 'zod'
import { secret } from '../world.ts'
import { names, serve } from './server-calls.ts'

const bench = defineNamespace({
  name: names.namespace,
  summary: 'Events of this bench.',
  events: {
    [names.event]: stream(z.object({ n: z.int(), t: z.int(), text: z.string() }), {
      summary: 'A number.',
      rooms: ['workspace'],
    }),
  },
  commands: {},
})

const say = (...words: unknown[]) => process.stderr.write(`${words.map(String).join(' ')}\n`)
const logger = { debug: () => undefined, info: () => undefined, warn: say, error: say }
const clock = {
  now: () => Date.now(),
  every(periodMs: number, action: () => void) {
    const timer = setInterval(action, periodMs).unref()
    return () => clearInterval(timer)
  },
}
const { settings } = loadSettings({ MAX_SOCKET_CONNECTIONS: '100000' })
const namespaces = [serveNamespace(bench, { commands: {} })]
const belfry = await startInMemory({
  settings,
  namespaces,
  rooms: [],
  store: createMemoryStore({ namespaces, clock, logger }),
  clock,
  logger,
  jwtSecret: secret,
})
await serve(
  (http) => belfry.sockets.initialize(http),
  async (room, data) => {
    const rooms = [{ kind: 'workspace', id: names.room(room) }]
    return (await belfry.sockets.publish(bench, names.event, data, { rooms })).cursor
  },
  listen,
)

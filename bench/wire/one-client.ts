/** How long one event takes when the server has nothing else to do. */
import { measure, type Scenario } from './scenario.ts'

const eventsPerSecond = 200

export const oneClient: Scenario = {
  name: 'one-client',
  title: 'One event to one client',
  method: `${eventsPerSecond} events a second to the room of one user; from the call of publish to the client.`,
  metrics: [
    { key: 'p50', label: 'p50', unit: 'ms', digits: 2, better: 'lower', must: { below: 2 } },
    { key: 'p99', label: 'p99', unit: 'ms', digits: 2, better: 'lower', must: { below: 10 } },
  ],
  async run(world) {
    const { server, generator, port } = world
    await generator.call('connect', { port, clients: 1, namespaces: 1, unfinishedMax: 1 })
    await server.call('schedule', { room: 'user', perSecond: eventsPerSecond })
    const { p50Ms, p99Ms } = await measure(world, { warmSeconds: 2, seconds: 5 })
    return { p50: p50Ms, p99: p99Ms }
  },
}

/** One room with everybody in it. */
import { cpuMicrosEach, measure, type Scenario, until, type World } from './scenario.ts'
import { payloadBytes } from './world.ts'

const clients = 1_000

/** Half a megabyte on the way to each client: what our server holds for one before it closes it is twice that. */
const windowEvents = 1_500

/**
 * So many in one turn of the event loop, at most. The stock server takes three quarters of a second for them, and
 * gains little by more or less: 109,000 deliveries a second with 1, 131,000 with 20, 124,000 with 100, 141,000 with
 * 300.
 */
const burstEvents = 100

/** A third of what the stock server can do, so that there is nothing to join, and no queue, on either side. */
const eventsPerSecond = 40

export const fanOut: Scenario = {
  name: 'fan-out',
  title: `Fan-out to ${clients} clients in one room`,
  method:
    `Payloads of ${payloadBytes} bytes. Saturated: the server publishes whenever no client lacks more than ` +
    `${windowEvents} events. One event a tick: ${eventsPerSecond} events a second, published on schedule; the ` +
    'time is that from the call of publish to the client.',
  metrics: [
    {
      key: 'deliveriesPerSecond',
      label: 'saturated, deliveries',
      unit: '/s',
      digits: 0,
      better: 'higher',
      must: { ratioAtLeast: 20 },
      busy: { server: 'saturatedServerBusy', generator: 'saturatedGeneratorBusy' },
    },
    { key: 'saturatedCpu', label: 'saturated, CPU of a delivery', unit: 'µs', digits: 3, better: 'lower' },
    {
      key: 'singleCpu',
      label: 'one event a tick, CPU of a delivery',
      unit: 'µs',
      digits: 2,
      better: 'lower',
    },
    { key: 'singleP50', label: 'one event a tick, p50', unit: 'ms', digits: 1, better: 'lower' },
    { key: 'singleP99', label: 'one event a tick, p99', unit: 'ms', digits: 1, better: 'lower' },
  ],
  async run(world) {
    const { server, generator, port } = world
    await generator.call('connect', { port, clients, namespaces: 1, unfinishedMax: 256 })
    const { receiptPort } = await server.call('saturate', { windowEvents, burstEvents })
    await generator.call('count', { receiptPort })
    const saturated = await measure(world, { warmSeconds: 2, seconds: 4 })
    await server.call('stopPublishing', null)
    await refuseLoss(world)

    await generator.call('look', null)
    await server.call('schedule', { room: 'workspace', perSecond: eventsPerSecond })
    const single = await measure(world, { warmSeconds: 1, seconds: 5 })
    await server.call('stopPublishing', null)
    await refuseLoss(world)
    return {
      deliveriesPerSecond: saturated.events / saturated.seconds,
      saturatedCpu: cpuMicrosEach(saturated, saturated.events),
      saturatedServerBusy: saturated.serverBusy,
      saturatedGeneratorBusy: saturated.generatorBusy,
      megabytesPerSecond: saturated.bytes / saturated.seconds / 1e6,
      singleCpu: cpuMicrosEach(single, single.events),
      singleP50: single.p50Ms,
      singleP99: single.p99Ms,
      singleServerBusy: single.serverBusy,
    }
  },
}

/** A server that drops events would be a fast one. */
async function refuseLoss({ server, generator }: World): Promise<void> {
  const { published } = await server.call('sample', null)
  const isComplete = async () => (await generator.call('sample', null)).events === published * clients
  await until(isComplete, `each of ${published} events at each of ${clients} clients`)
}

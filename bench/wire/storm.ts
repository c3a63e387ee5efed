/** Everybody connects at once. */
import type { StormResult } from './generator.ts'
import { type Scenario, until, type World } from './scenario.ts'

const clients = 5_000
const unfinishedMax = 256
/** One takes half a second, which is short. The middle one of these counts. */
const stormsAgain = 3

export const storm: Scenario = {
  name: 'storm',
  title: `Connect storm of ${clients} clients`,
  method:
    `Each with a token of its own (HS256) for one namespace; ${unfinishedMax} are on the way at a time. From the ` +
    `connect of the socket to the answer of the namespace. Again: after all were cut, the middle one of ${stormsAgain}.`,
  metrics: [
    {
      key: 'againPerSecond',
      label: 'again, connects',
      unit: '/s',
      digits: 0,
      better: 'higher',
      must: { ratioAtLeast: 2 },
      busy: { server: 'againServerBusy', generator: 'againGeneratorBusy' },
    },
    { key: 'againP99', label: 'again, p99', unit: 'ms', digits: 0, better: 'lower' },
    { key: 'againCpu', label: 'again, CPU of a connect', unit: 'µs', digits: 0, better: 'lower' },
    {
      key: 'freshPerSecond',
      label: 'of a server that has just started, connects',
      unit: '/s',
      digits: 0,
      better: 'higher',
      busy: { server: 'freshServerBusy', generator: 'freshGeneratorBusy' },
    },
    {
      key: 'freshCpu',
      label: 'of a server that has just started, CPU of a connect',
      unit: 'µs',
      digits: 0,
      better: 'lower',
    },
  ],
  async run(world) {
    const fresh = await connectAll(world)
    const storms: Connected[] = []
    for (let count = 0; count < stormsAgain; count += 1) {
      await world.generator.call('cutAll', null)
      await until(async () => (await world.server.call('sessions', null)) === 0, 'the end of all sessions')
      storms.push(await connectAll(world))
    }
    storms.sort((one, other) => one.perSecond - other.perSecond)
    const again = storms[Math.floor(stormsAgain / 2)] ?? fresh
    return {
      againPerSecond: again.perSecond,
      againP99: again.p99Ms,
      againCpu: again.cpu,
      againServerBusy: again.serverBusy,
      againGeneratorBusy: again.generatorBusy,
      freshPerSecond: fresh.perSecond,
      freshCpu: fresh.cpu,
      freshServerBusy: fresh.serverBusy,
      freshGeneratorBusy: fresh.generatorBusy,
    }
  },
}

interface Connected extends StormResult {
  readonly cpu: number
  readonly serverBusy: number
}

async function connectAll({ server, generator, port }: World): Promise<Connected> {
  const before = await server.call('sample', null)
  const result = await generator.call('connect', { port, clients, namespaces: 1, unfinishedMax })
  const after = await server.call('sample', null)
  const cpu = (after.cpuMicros - before.cpuMicros) / clients
  return { ...result, cpu, serverBusy: (cpu * result.perSecond) / 1e6 }
}

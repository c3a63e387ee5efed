/** What a connection costs while nothing happens on it. */

import type { Metric, Scenario, World } from './scenario.ts'
import type { MemorySample } from './server-calls.ts'

/** They bring in the code and the caches that the first connections need, and are not counted. */
const firstClients = 200
/** The last is what one server has to hold. */
const stages = [2_000, 5_000, 10_000] as const
const most = stages[2]

export function memory(namespaces: 1 | 4): Scenario {
  const metric = (key: string, label: string, must?: Metric['must']): Metric => ({
    key,
    label,
    unit: 'KB',
    digits: 2,
    better: 'lower',
    ...(must === undefined ? {} : { must }),
  })
  const rssMust = namespaces === 4 ? { ratioAtLeast: 2 } : undefined
  return {
    name: `memory-${namespaces}`,
    title: `Memory of an idle connection with ${namespaces} namespace${namespaces === 1 ? '' : 's'}`,
    method:
      `Growth beyond ${firstClients} connections, divided by the connections that came. V8's space for young objects ` +
      'grows as connections come, up to some tens of megabytes for the process, and is part of RSS.',
    metrics: [
      ...stages.map((clients) => metric(`rss${clients}`, `RSS, ${clients} connections`, rssMust)),
      metric('collected', `RSS after a full collection, ${most} connections`),
      metric('old', `the same without V8's space for young objects, ${most} connections`),
      metric('heap', `live heap, ${most} connections`),
    ],
    async run(world) {
      const first = await connected(world, firstClients, namespaces)
      const growth = (key: keyof MemorySample, to: MemorySample) =>
        (to[key] - first[key]) / 1_000 / (to.sessions / namespaces - firstClients)
      const figures: Record<string, number> = {}
      for (const clients of stages) {
        const sample = await connected(world, clients, namespaces)
        figures[`rss${clients}`] = growth('rss', sample)
        figures['collected'] = growth('collectedRss', sample)
        figures['old'] = growth('collectedOld', sample)
        figures['heap'] = growth('collectedHeap', sample)
      }
      return figures
    },
  }
}

async function connected(
  { server, generator, port }: World,
  clients: number,
  namespaces: number,
): Promise<MemorySample> {
  await generator.call('connect', { port, clients, namespaces, unfinishedMax: 256 })
  const sample = await server.call('memory', null)
  if (sample.sessions !== clients * namespaces) throw new Error(`There are ${sample.sessions} sessions.`)
  return sample
}

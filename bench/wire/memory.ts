/** What a connection costs while nothing happens on it. */

import type { Metric, Scenario, World } from './scenario.ts'
import type { MemorySample } from './server-calls.ts'

/** They bring in the code and the caches that the first connections need, and are not counted. */
const firstClients = 200
const fewClients = 2_000
const manyClients = 5_000

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
      metric('rssFew', `RSS, ${fewClients} connections`, rssMust),
      metric('rssMany', `RSS, ${manyClients} connections`, rssMust),
      metric('collectedMany', `RSS after a full collection, ${manyClients} connections`),
      metric('oldMany', `the same without V8's space for young objects, ${manyClients} connections`),
      metric('heapMany', `live heap, ${manyClients} connections`),
    ],
    async run(world) {
      const first = await connected(world, firstClients, namespaces)
      const few = await connected(world, fewClients, namespaces)
      const many = await connected(world, manyClients, namespaces)
      const growth = (key: keyof MemorySample, to: MemorySample) =>
        (to[key] - first[key]) / 1_000 / (to.sessions / namespaces - firstClients)
      return {
        rssFew: growth('rss', few),
        rssMany: growth('rss', many),
        collectedMany: growth('collectedRss', many),
        oldMany: growth('collectedOld', many),
        heapMany: growth('collectedHeap', many),
      }
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

/**
 * Realtime: the namespace `/realtime`, and what operators see and do: who is connected, what goes over the wire,
 * a word to everybody.
 */
import { realtimeNamespace } from '@belfry/contract'
import type { Module } from '../../engine/module.ts'
import { serveNamespace } from '../../engine/namespace-handlers.ts'
import { realtimeMetrics } from './metrics.ts'
import { realtimeRoutes } from './routes.ts'
import { createRealtimeService, type RealtimeServiceOptions } from './service.ts'

export function createRealtimeModule(options: RealtimeServiceOptions): Module {
  const service = createRealtimeService(options)
  return {
    name: 'realtime',
    migrations: [],
    routes: realtimeRoutes(service),
    namespaces: [serveNamespace(realtimeNamespace, { commands: {} })],
    metrics: () => realtimeMetrics(options.realtime(), options.queuedBytes(), options.admission()),
    stop: async () => service.stop(),
  }
}

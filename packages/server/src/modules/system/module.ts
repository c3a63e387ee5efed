/** System: what the server says about itself. */
import type { Module } from '../../engine/module.ts'
import { systemRoutes } from './routes.ts'
import { createSystemService, type SystemOptions } from './service.ts'

export function createSystemModule(options: SystemOptions): Module {
  const service = createSystemService(options)
  return {
    name: 'system',
    migrations: [],
    routes: systemRoutes(service),
    start: () => service.start(),
    stop: async () => service.stop(),
  }
}

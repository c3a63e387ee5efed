import { migrationsView, settingsView, systemOverview, systemTick } from '@belfry/contract'
import { type AnyRoute, defineRoute, defineStream } from '../../engine/route.ts'
import type { SystemService } from './service.ts'

export function systemRoutes(service: SystemService): AnyRoute[] {
  const tag = 'System'
  const access = 'operator'
  return [
    defineRoute({
      method: 'GET',
      path: '/api/v1/system/overview',
      tag,
      access,
      summary: 'The server at a glance',
      description: 'With one sample a second of the last fifteen minutes.',
      reply: systemOverview,
      handle: async () => service.overview(),
    }),
    defineStream({
      method: 'GET',
      path: '/api/v1/system/overview/stream',
      tag,
      access,
      summary: 'A sample every second',
      description: 'Starts with the newest sample. A slow reader misses samples, never the newest.',
      event: systemTick,
      open: ({ signal }) => service.ticks(signal),
    }),
    defineRoute({
      method: 'GET',
      path: '/api/v1/system/settings',
      tag,
      access,
      summary: 'The settings in force',
      description: 'Secrets are masked.',
      reply: settingsView,
      handle: async () => ({ settings: [...service.settings()] }),
    }),
    defineRoute({
      method: 'GET',
      path: '/api/v1/system/migrations',
      tag,
      access,
      summary: 'The steps of the schema',
      reply: migrationsView,
      handle: async () => ({ migrations: [...(await service.migrations())] }),
    }),
  ]
}

/** System: what the server says about itself. Times are ISO 8601, sizes bytes, durations milliseconds. */
import { z } from 'zod'

/** One second in the life of the server process. */
export const systemSample = z.object({
  at: z.iso.datetime(),
  /** Resident memory of the server process. */
  memoryBytes: z.number(),
  /** Share of one core used by the server process in that second; 1 is one core. */
  cpuShare: z.number(),
  /** Delay of the event loop in that second: how much later than asked a timer ran. */
  loopDelayP50Ms: z.number(),
  loopDelayP99Ms: z.number(),
  /** HTTP requests answered in that second. */
  requests: z.number(),
})

export const databaseView = z.object({
  state: z.enum(['up', 'down']),
  kind: z.enum(['embedded', 'external']),
  /** Such as "18.4"; absent while the database is down. */
  version: z.string().optional(),
  sizeBytes: z.number().optional(),
  /** Connections of this server's pool that are open now, and how many it may open. */
  connectionsOpen: z.number(),
  connectionsMax: z.number(),
  /** Round trip of the last check. */
  pingMs: z.number().optional(),
})

export const migrationView = z.object({
  module: z.string(),
  id: z.string(),
  state: z.enum(['applied', 'pending', 'unknown']),
  appliedAt: z.iso.datetime().optional(),
})

export const systemOverview = z.object({
  version: z.string(),
  nodeVersion: z.string(),
  hostname: z.string(),
  pid: z.number(),
  startedAt: z.iso.datetime(),
  memoryBytes: z.number(),
  database: databaseView,
  /** The last fifteen minutes, one sample a second, oldest first. */
  samples: z.array(systemSample),
})

/** One event of `GET /api/v1/system/overview/stream`, every second. */
export const systemTick = z.object({ sample: systemSample, database: databaseView })

/** One setting in force. `value` of a secret is masked. */
export const settingView = z.object({
  name: z.string(),
  value: z.string(),
  source: z.enum(['default', 'environment', 'generated']),
  secret: z.boolean(),
  description: z.string(),
})

export const settingsView = z.object({ settings: z.array(settingView) })
export const migrationsView = z.object({ migrations: z.array(migrationView) })

export type SystemSample = z.infer<typeof systemSample>
export type DatabaseView = z.infer<typeof databaseView>
export type MigrationView = z.infer<typeof migrationView>
export type SystemOverview = z.infer<typeof systemOverview>
export type SystemTick = z.infer<typeof systemTick>
export type SettingView = z.infer<typeof settingView>
export type SettingsView = z.infer<typeof settingsView>
export type MigrationsView = z.infer<typeof migrationsView>

/** What a program that hosts Belfry uses. */

export type { Logger } from './engine/ports/logger.ts'
export { StartRefusal, type StartRefusalCode } from './engine/start-refusal.ts'
export { type Belfry, type BelfryOptions, startBelfry } from './server/belfry.ts'
export { type LoadedSettings, loadSettings, type Settings } from './server/settings.ts'

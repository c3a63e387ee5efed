/** What benches and long tests use: thousands of clients at the level of the wire, and the bench of recovery. */
export { drawPicture } from './bench/picture.ts'
export {
  benchRecovery,
  defaultScenario,
  type RecoveryOptions,
  type RecoveryResult,
  type Scenario,
  type ServerName,
  StockMissing,
  serverNames,
} from './bench/recovery.ts'
export { describeScenario, markdownTable, tableLines } from './bench/report.ts'
export { type BackOffOptions, stockBackOff } from './fleet/back-off.ts'
export { createFleet, type Fleet, type FleetOptions } from './fleet/fleet.ts'
export { Histogram } from './fleet/histogram.ts'
export { sharedMs } from './fleet/shared-clock.ts'
export type { Return } from './fleet/wire-client.ts'

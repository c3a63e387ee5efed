/** What benches and long tests use: thousands of clients at the level of the wire. */
export { type BackOffOptions, stockBackOff } from './fleet/back-off.ts'
export { createFleet, type Fleet, type FleetOptions } from './fleet/fleet.ts'
export { Histogram } from './fleet/histogram.ts'
export { sharedMs } from './fleet/shared-clock.ts'
export type { Return } from './fleet/wire-client.ts'

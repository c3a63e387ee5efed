/** What tests use of it. */
export type { StockClientOptions, TestClientOptions } from './clients.ts'
export type { Duration } from './duration.ts'
export type { CutOptions, Direction, FaultLine, Faults } from './faults/fault-line.ts'
export { type FaultProxy, type FaultProxyOptions, startFaultProxy } from './faults/fault-proxy.ts'
export { type FollowedPlan, type Outage, type OutageOptions, planOutages } from './faults/outages.ts'
export type { Heard, StockSocket } from './heard.ts'
export {
  createLedger,
  type Ledger,
  type LedgerClient,
  type LedgerOptions,
  type Publication,
} from './ledger/ledger.ts'
export type { Verdict } from './ledger/verdict.ts'
export type { NextOptions, Recorder } from './recorder.ts'
export { type Claims, startTestServer, type TestServer, type TestServerOptions } from './test-server.ts'
export { type UntilOptions, until } from './until.ts'
export type { VirtualClock } from './virtual-clock.ts'

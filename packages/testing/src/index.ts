/** What tests use of it. */
export type { StockClientOptions, TestClientOptions } from './clients.ts'
export type { Duration } from './duration.ts'
export type { Heard, StockSocket } from './heard.ts'
export type { NextOptions, Recorder } from './recorder.ts'
export { type Claims, startTestServer, type TestServer, type TestServerOptions } from './test-server.ts'
export { type UntilOptions, until } from './until.ts'
export type { VirtualClock } from './virtual-clock.ts'

/** The language both sides speak. Runs in a browser, knows nothing of the server. */
export * from './access.ts'
export * from './authentication.ts'
export * from './define/index.ts'
export * from './errors.ts'
export * from './events.ts'
export * from './notifications.ts'
export * from './realtime.ts'
export * from './system.ts'

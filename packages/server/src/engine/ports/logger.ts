/** Structured logging. Fields named like secrets are masked by the adapter, whatever their depth. */
export interface Logger {
  debug(fields: object, message: string): void
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
}

/** The log: one JSON object a line for machines, or one plain line for a person at a terminal. */
import pino from 'pino'
import type { Logger } from '../../engine/ports/logger.ts'
import { mask, maskText } from './mask.ts'
import { prettyLine } from './pretty.ts'

export interface LoggerOptions {
  readonly level: LogLevel
  /** Lines for a person instead of JSON. */
  readonly pretty: boolean
  /** Standard output if absent. */
  readonly destination?: LogDestination | undefined
}

export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'silent'

export interface LogDestination {
  write(line: string): void
}

export function createLogger(options: LoggerOptions): Logger {
  // Synchronous: the last lines before a crash are the ones that matter.
  const output = options.destination ?? pino.destination({ fd: 1, sync: true })
  const destination = options.pretty ? { write: (line: string) => output.write(prettyLine(line)) } : output
  const base = pino(
    {
      level: options.level,
      base: null,
      messageKey: 'message',
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    destination,
  )
  function write(level: Exclude<LogLevel, 'silent'>, fields: object, message: string): void {
    if (base.isLevelEnabled(level)) base[level](mask(fields), maskText(message))
  }
  return {
    debug: (fields, message) => write('debug', fields, message),
    info: (fields, message) => write('info', fields, message),
    warn: (fields, message) => write('warn', fields, message),
    error: (fields, message) => write('error', fields, message),
  }
}

/** The log that the settings ask for, on standard output. */
import { createLogger } from '../adapters/logging/logger.ts'
import type { Logger } from '../engine/ports/logger.ts'
import type { Settings } from './settings.ts'

export function createSettingsLogger({ logLevel, logFormat }: Settings): Logger {
  const pretty = logFormat === 'pretty' || (logFormat === 'auto' && process.stdout.isTTY)
  return createLogger({ level: logLevel, pretty })
}

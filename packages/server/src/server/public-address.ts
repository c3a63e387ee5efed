/** Where people on this machine, or from outside, find a server. */
import type { Settings } from './settings.ts'

export function publicAddress({ frontendUrl, host }: Settings, port: number): string {
  return frontendUrl?.replace(/\/$/, '') ?? `http://${displayHost(host)}:${port}`
}

/** How the host of a URL is written for a person on this machine. */
function displayHost(host: string): string {
  if (['127.0.0.1', '0.0.0.0', '::', '::1'].includes(host)) return 'localhost'
  return host.includes(':') ? `[${host}]` : host
}

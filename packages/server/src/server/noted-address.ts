/** Where a running server is reached, noted in its data directory for commands beside it. */
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** Returns how to forget it. */
export function noteAddress(dataDirectory: string, address: string): () => Promise<void> {
  writeFileSync(path(dataDirectory), address, { mode: 0o600 })
  return async () => rmSync(path(dataDirectory), { force: true })
}

export function readAddress(dataDirectory: string): string | undefined {
  try {
    return readFileSync(path(dataDirectory), 'utf8')
  } catch {
    // No server runs here, or it is somebody else's.
    return undefined
  }
}

function path(dataDirectory: string): string {
  return join(dataDirectory, 'address')
}

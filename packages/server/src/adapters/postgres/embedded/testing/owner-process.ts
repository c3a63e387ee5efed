/** A server's hold on a data directory without the server: started by tests, to be killed by them. */
import process from 'node:process'
import { startEmbeddedPostgres } from '../embedded.ts'
import { acquireOwnerLock } from '../owner-lock.ts'

const [, , dataDirectory = ''] = process.argv
const ignore = () => undefined
try {
  const lock = await acquireOwnerLock(dataDirectory, new Date())
  const postgres = await startEmbeddedPostgres({
    dataDirectory,
    lock,
    logger: { debug: ignore, info: ignore, warn: ignore, error: ignore },
    onProgress: ignore,
    signal: new AbortController().signal,
  })
  process.stdout.write(`${JSON.stringify({ ready: postgres.origin, url: postgres.url })}\n`)
  // Lives until it is killed: an open pipe keeps it.
  process.stdin.resume()
} catch (error) {
  process.stdout.write(
    `${JSON.stringify({ refused: error instanceof Error ? error.message : String(error) })}\n`,
  )
  process.exit(1)
}

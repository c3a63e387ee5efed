/** A program that may open so few files that only some of the sockets can listen; says what became of it, and ends when none does. */
import { closeSync, openSync } from 'node:fs'
import { createServer } from 'node:http'
import { listen } from '../listening.ts'

/** Enough for a probe and the first sockets. */
const free = 8

const held: number[] = []
try {
  for (;;) held.push(openSync('/dev/null', 'r'))
} catch {
  for (const descriptor of held.splice(-free)) closeSync(descriptor)
}
const server = createServer()
const code = await listen(server, { host: '127.0.0.1', port: 0 }).then(
  () => 'listens',
  (error: { code?: string }) => error.code,
)
process.stdout.write(JSON.stringify({ code, isListening: server.listening }))

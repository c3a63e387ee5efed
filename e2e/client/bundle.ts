/** Programs for pages of a test, with what they import. */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'

/** By the bundler that Vite brings, as a command: it is no package of ours. */
export function bundled(text: string): string {
  const rolldown = join(
    dirname(createRequire(import.meta.url).resolve('rolldown/package.json')),
    'bin',
    'cli.mjs',
  )
  const folder = mkdtempSync(join(tmpdir(), 'belfry-client-'))
  try {
    const [input, output] = [join(folder, 'entry.mjs'), join(folder, 'bundle.mjs')]
    writeFileSync(input, text)
    // From their sources, as everything that is tested.
    const options = ['-p', 'browser', '--resolve.condition-names', 'source,browser,import']
    execFileSync(process.execPath, [rolldown, input, '-o', output, ...options], { stdio: 'pipe' })
    return readFileSync(output, 'utf8')
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Answers with a page that runs the program. */
export function pageServer(program: string): Server {
  return createServer((request, response) => {
    if (request.url === '/client.js')
      response.writeHead(200, { 'content-type': 'text/javascript' }).end(program)
    else if (request.url === '/' || request.url === '/elsewhere')
      response.writeHead(200, { 'content-type': 'text/html' }).end(pageText)
    else response.writeHead(404).end()
  })
}

const pageText = '<!doctype html><title>Page</title><script type="module" src="/client.js"></script>'

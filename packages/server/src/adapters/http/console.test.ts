/** The console's files: what is cached, what is compressed, and which addresses lead to its page. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { brotliCompressSync, brotliDecompressSync } from 'node:zlib'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { startTestServer, type TestServer } from './testing/test-server.ts'

let server: TestServer
let directory: string
const page = '<!doctype html><title>Console</title>'
const script = 'export const answer = 42 // '.padEnd(2_000, 'x')

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'belfry-console-'))
  const root = join(directory, 'built')
  await mkdir(join(root, 'assets'), { recursive: true })
  await writeFile(join(directory, 'secret.txt'), 'outside')
  await writeFile(join(root, 'index.html'), page)
  await writeFile(join(root, 'index.html.br'), brotliCompressSync(page))
  await writeFile(join(root, 'favicon.svg'), '<svg/>')
  await writeFile(join(root, 'assets', 'main-abc123.js'), script)
  await writeFile(join(root, 'assets', 'main-abc123.js.br'), brotliCompressSync(script))
  server = await startTestServer({ consoleDirectory: root })
})
afterAll(async () => {
  await server[Symbol.asyncDispose]()
  await rm(directory, { recursive: true })
})

interface Answer {
  readonly status: number | undefined
  readonly headers: Record<string, unknown>
  readonly body: Buffer
}

function get(path: string, headers: Record<string, string>, method = 'GET'): Promise<Answer> {
  return new Promise((resolve, reject) => {
    request({ port: server.port, path, headers, method }, (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('end', () => {
        resolve({ status: response.statusCode, headers: response.headers, body: Buffer.concat(chunks) })
      })
    })
      .on('error', reject)
      .end()
  })
}

const navigation = { accept: 'text/html,application/xhtml+xml,*/*;q=0.8' }

it.each(['/', '/index.html', '/sign-in', '/docs/errors', '/a/deep/link?with=query', '/%61nything'])(
  'answers a visit to %s with the page, which is asked for anew every time',
  async (path) => {
    const response = await server.fetch(path, { headers: navigation })
    expect(response.status).toBe(200)
    expect(response.headers.get('content-type')).toBe('text/html; charset=utf-8')
    expect(response.headers.get('cache-control')).toBe('no-cache')
    expect(response.headers.get('content-security-policy')).toContain("frame-ancestors 'none'")
    expect(response.headers.get('content-security-policy')).not.toContain('unsafe')
    expect(await response.text()).toBe(page)
    // Not `fetch`, which asks for a fresh copy when it is given a tag.
    const again = await get(path, { ...navigation, 'if-none-match': response.headers.get('etag') ?? '' })
    expect(again.status).toBe(304)
  },
)

it.each<[path: string, headers: Record<string, string>, method?: string]>([
  ['/assets/gone.js', navigation],
  ['/assets/gone.js', {}],
  ['/api/v1/nothing', navigation],
  ['/%61pi/v1/nothing', navigation],
  ['/sign-in', { accept: 'application/json' }],
  ['/sign-in', navigation, 'POST'],
  ['/../secret.txt', {}],
  ['/assets/../../secret.txt', {}],
  ['/..%2fsecret.txt', {}],
  ['/%2e%2e/secret.txt', {}],
  ['/assets/..%5c..%5csecret.txt', {}],
  ['//secret.txt', {}],
])('has nothing at %s', async (path, headers, method = 'GET') => {
  // Not `fetch`, which would tidy the path before it is sent.
  const answer = await get(path, headers, method)
  expect(answer.status).toBe(404)
  expect(JSON.parse(answer.body.toString())).toMatchObject({ code: 'not_found' })
})

it('lets files with a hash in their name be kept for a year', async () => {
  const response = await server.fetch('/assets/main-abc123.js')
  expect(response.headers.get('cache-control')).toBe('public, max-age=31536000, immutable')
  expect(await response.text()).toBe(script)
  expect((await server.fetch('/favicon.svg')).headers.get('cache-control')).toBe('no-cache')
})

it('sends what was compressed when it was built', async () => {
  const compressed = await get('/assets/main-abc123.js', { 'accept-encoding': 'gzip, br' })
  expect(compressed.headers['content-encoding']).toBe('br')
  expect(compressed.headers['content-type']).toMatch(/javascript/)
  expect(compressed.headers['vary']).toMatch(/accept-encoding/i)
  expect(compressed.headers['cache-control']).toBe('public, max-age=31536000, immutable')
  expect(brotliDecompressSync(compressed.body).toString()).toBe(script)
  const plain = await get('/assets/main-abc123.js', { 'accept-encoding': 'identity' })
  expect(plain.headers['content-encoding']).toBeUndefined()
  expect(plain.body.toString()).toBe(script)
})

it('fails at the start when there is no page', async () => {
  await expect(startTestServer({ consoleDirectory: join(directory, 'missing') })).rejects.toMatchObject({
    code: 'ENOENT',
  })
})

it('says so when it runs without a console', async () => {
  const bare = await startTestServer()
  const response = await bare.fetch('/')
  expect(response.headers.get('content-type')).toBe('text/plain; charset=utf-8')
  expect(await response.text()).toContain('/openapi.json')
  expect((await bare.fetch('/sign-in', { headers: navigation })).status).toBe(404)
  await bare[Symbol.asyncDispose]()
})

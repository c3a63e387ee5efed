/** Keys that are fetched: from a real server, which rotates them, goes away, hangs, and answers what no provider would. */
import { generateKeyPairSync, type KeyObject } from 'node:crypto'
import { createServer } from 'node:http'
import { SignJWT } from 'jose'
import { expect, it } from 'vitest'
import { createRecordingLogger } from '../../engine/testing/recording-logger.ts'
import { createTestClock } from '../../engine/testing/test-clock.ts'
import { until } from '../../engine/testing/until.ts'
import { createKeySet } from './key-set.ts'
import { publicJwk, startKeyServer } from './testing/key-server.ts'
import { ana, encodePart, refusalOf, sealToken, testSecret } from './testing/tokens.ts'
import { createTokenVerifier } from './token-verifier.ts'

const old = generateKeyPairSync('rsa', { modulusLength: 2_048 })
const young = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const pauseMs = 10_000
const refreshMs = 5 * 60_000

const tokenOf = (key: KeyObject, alg: string, kid?: string): Promise<string> =>
  new SignJWT({ ...ana }).setProtectedHeader(kid === undefined ? { alg } : { alg, kid }).sign(key)

async function openWorld({ patienceMs = 5_000, keys = [publicJwk(old.publicKey, 'old')] } = {}) {
  const server = await startKeyServer()
  server.publish(...keys)
  const clock = createTestClock()
  const logger = createRecordingLogger()
  const keySet = createKeySet({ url: server.url, clock, logger, patienceMs })
  const verifier = createTokenVerifier({ secret: testSecret, keySet, now: clock.now })
  return {
    server,
    clock,
    logger,
    keySet,
    verifier,
    verify: async (token: string) => verifier.verify(token),
    codeOf: async (token: string) => (await refusalOf(verifier, token)).code,
    async [Symbol.asyncDispose]() {
      keySet.close()
      await server[Symbol.asyncDispose]()
      expect(clock.timers).toBe(0)
    },
  }
}

it('[TK8] takes tokens of a published key, with its name and without, and fetches once for all of them', async () => {
  await using world = await openWorld()
  const tokens = [await tokenOf(old.privateKey, 'RS256', 'old'), await tokenOf(old.privateKey, 'PS512')]
  const verified = await Promise.all([...tokens, ...tokens].map(world.verify))
  for (const principal of verified) expect(principal).toMatchObject({ userId: 'ana' })
  await world.verify(tokens[0] as string)
  expect(world.server.asked()).toBe(1)
})

it('[TK8] takes the tokens of a new key without a restart, and no longer those of one that was taken away', async () => {
  await using world = await openWorld()
  const [oldToken, youngToken] = [
    await tokenOf(old.privateKey, 'RS256', 'old'),
    await tokenOf(young.privateKey, 'ES256', 'young'),
  ]
  await world.verify(oldToken)
  world.server.publish(publicJwk(old.publicKey, 'old'), publicJwk(young.publicKey, 'young'))
  world.clock.advance(pauseMs)
  await world.verify(youngToken)
  await world.verify(oldToken)
  world.server.publish(publicJwk(young.publicKey, 'young'))
  world.clock.advance(refreshMs)
  await until(() => world.server.asked() === 3)
  await expect.poll(() => world.codeOf(oldToken)).toBe('token_invalid')
  await world.verify(youngToken)
})

it('[TK8] ten thousand tokens of invented keys make it ask once, and wait for nobody', async () => {
  await using world = await openWorld()
  await world.verify(await tokenOf(old.privateKey, 'RS256', 'old'))
  world.clock.advance(pauseMs)
  const signature = Buffer.alloc(256).toString('base64url')
  const invented = (n: number) =>
    `${encodePart({ alg: 'RS256', kid: `invented-${n}` })}.${encodePart(ana)}.${signature}`
  const codes = await Promise.all(Array.from({ length: 10_000 }, (_, n) => world.codeOf(invented(n))))
  expect(new Set(codes)).toEqual(new Set(['token_invalid', 'keys_unavailable']))
  // As many as are remembered are known to be wrong; of the others nothing is known yet.
  expect(codes.filter((code) => code === 'token_invalid')).toHaveLength(1_000)
  expect(world.server.asked()).toBe(2)
  expect(await world.codeOf(invented(1))).toBe('token_invalid')
  expect(await world.codeOf(invented(20_000))).toBe('keys_unavailable')
  expect(world.server.asked()).toBe(2)
  world.clock.advance(pauseMs)
  expect(await world.codeOf(invented(20_000))).toBe('token_invalid')
  expect(world.server.asked()).toBe(3)
})

it('[TK8] goes on with what it has while the provider is away, and lets those come back whose key is new', async () => {
  await using world = await openWorld()
  const oldToken = await tokenOf(old.privateKey, 'RS256', 'old')
  const youngToken = await tokenOf(young.privateKey, 'ES256', 'young')
  await world.verify(oldToken)
  world.server.misbehave((request) => request.socket.destroy())
  world.clock.advance(refreshMs)
  await until(() => world.logger.at('warn').length === 1)
  await world.verify(oldToken)
  world.clock.advance(pauseMs)
  expect(await world.codeOf(youngToken)).toBe('keys_unavailable')
  await world.verify(oldToken)
  world.server.publish(publicJwk(old.publicKey, 'old'), publicJwk(young.publicKey, 'young'))
  world.clock.advance(pauseMs)
  await world.verify(youngToken)
  // Told once that it is away, and once that it is back.
  expect(world.logger.at('warn')).toHaveLength(1)
  expect(world.logger.at('info')).toHaveLength(1)
})

const misbehaviours: readonly [
  string,
  Parameters<Awaited<ReturnType<typeof startKeyServer>>['misbehave']>[0],
][] = [
  ['hangs', () => undefined],
  ['begins and hangs', (_request, response) => response.writeHead(200).write('{"keys":[')],
  [
    'answers gigabytes',
    (_request, response) => {
      response.writeHead(200)
      const piece = Buffer.alloc(64 * 1_024, ' ')
      const more = () => {
        while (!response.destroyed && response.write(piece));
        if (!response.destroyed) response.once('drain', more)
      }
      more()
    },
  ],
  [
    'answers gigabytes that were compressed',
    (_request, response) => {
      response.writeHead(200, { 'content-encoding': 'gzip' })
      // A kilobyte of it becomes a megabyte.
      response.end(bomb)
    },
  ],
  ['redirects', (_request, response) => response.writeHead(302, { location: 'http://127.0.0.1:1/' }).end()],
  ['refuses', (_request, response) => response.writeHead(500).end('{"keys":[]}')],
  ['answers no JSON', (_request, response) => response.writeHead(200).end('<html>')],
  ['answers null', (_request, response) => response.writeHead(200).end('null')],
  ['answers another list', (_request, response) => response.writeHead(200).end('{"keys":{"length":1}}')],
]
const { gzipSync } = await import('node:zlib')
const bomb = gzipSync(Buffer.alloc(64 * 1_024 * 1_024, ' '))

it.each(misbehaviours)('[TK8] bears a provider that %s', async (_what, misbehaviour) => {
  await using world = await openWorld({ patienceMs: 300 })
  const token = await tokenOf(old.privateKey, 'RS256', 'old')
  await world.verify(token)
  world.server.misbehave(misbehaviour)
  world.clock.advance(pauseMs)
  const before = process.memoryUsage().rss
  expect(await world.codeOf(await tokenOf(young.privateKey, 'ES256', 'young'))).toBe('keys_unavailable')
  expect(process.memoryUsage().rss - before).toBeLessThan(40 * 1_024 * 1_024)
  await world.verify(token)
  expect(world.logger.at('warn')).toHaveLength(1)
})

it('[TK8] follows no redirect, wherever it leads', async () => {
  await using elsewhere = await startKeyServer()
  elsewhere.publish(publicJwk(young.publicKey, 'young'))
  await using world = await openWorld()
  await world.verify(await tokenOf(old.privateKey, 'RS256', 'old'))
  world.server.misbehave((_request, response) => response.writeHead(302, { location: elsewhere.url }).end())
  world.clock.advance(pauseMs)
  expect(await world.codeOf(await tokenOf(young.privateKey, 'ES256', 'young'))).toBe('keys_unavailable')
  expect(elsewhere.asked()).toBe(0)
})

it('[TK2] [TK8] counts only public keys for signatures, each for its own algorithms', async () => {
  const secretJwk = { kty: 'oct', kid: 'secret', k: Buffer.from(testSecret).toString('base64url') }
  await using world = await openWorld({
    keys: [
      secretJwk,
      { ...old.privateKey.export({ format: 'jwk' }), kid: 'private' },
      publicJwk(old.publicKey, 'encryption', { use: 'enc' }),
      publicJwk(old.publicKey, 'operations', { key_ops: ['wrapKey'] }),
      publicJwk(old.publicKey, 'only-256', { alg: 'RS256', use: 'sig', key_ops: ['verify'] }),
      publicJwk(old.publicKey, 'confused', { alg: 'HS256' }),
      publicJwk(generateKeyPairSync('ec', { namedCurve: 'secp256k1' }).publicKey, 'strange curve'),
      { kty: 'RSA', kid: 'broken', n: 7, e: {} },
      { kid: { toString: 'x' }, kty: 'RSA' },
      null,
      7,
    ] as object[],
  })
  await world.verify(await tokenOf(old.privateKey, 'RS256', 'only-256'))
  for (const kid of ['private', 'encryption', 'operations', 'confused', 'broken'])
    expect(await world.codeOf(await tokenOf(old.privateKey, 'RS256', kid)), kid).toMatch(
      /token_invalid|keys_unavailable/,
    )
  world.clock.advance(pauseMs)
  expect(await world.codeOf(await tokenOf(old.privateKey, 'RS512', 'only-256'))).toBe('token_invalid')
  // The published key as a secret: what everybody knows signs nothing.
  const pem = old.publicKey.export({ type: 'spki', format: 'pem' }).toString()
  const confused = `${encodePart({ alg: 'HS256', kid: 'only-256' })}.${encodePart(ana)}`
  expect(await world.codeOf(sealToken(confused, pem))).toBe('token_invalid')
  expect(await world.codeOf(`${encodePart({ alg: 'none' })}.${encodePart(ana)}.x`)).toBe('token_invalid')
})

it('[TK8] looks at 32 keys of a set', async () => {
  const many = Array.from({ length: 40 }, (_, n) => publicJwk(old.publicKey, `key-${n}`))
  await using world = await openWorld({ keys: many })
  await world.verify(await tokenOf(old.privateKey, 'RS256', 'key-31'))
  world.clock.advance(pauseMs)
  expect(await world.codeOf(await tokenOf(old.privateKey, 'RS256', 'key-32'))).toBe('token_invalid')
})

it('[TK8] asks nothing after it was closed, and breaks off what it asked', async () => {
  const closed: string[] = []
  const server = createServer((request) => request.on('close', () => closed.push('closed')))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  const asked = new Promise((resolve) => server.once('request', resolve))
  const logger = createRecordingLogger()
  const keySet = createKeySet({ url: `http://127.0.0.1:${port}`, clock: createTestClock(), logger })
  await asked
  keySet.close()
  await until(() => closed.length === 1)
  expect(logger.lines).toEqual([])
  await new Promise((resolve) => server.close(resolve))
})

it('takes tokens of the secret before this one', async () => {
  const previousSecret = 'the secret of last year, of more than 32 bytes'
  const token = sealToken(`${encodePart({ alg: 'HS256' })}.${encodePart(ana)}`, previousSecret)
  const clock = createTestClock()
  const rotated = createTokenVerifier({ secret: testSecret, previousSecret, now: clock.now })
  expect(await rotated.verify(token)).toMatchObject({ userId: 'ana' })
  expect(await rotated.verify(sealToken(`${encodePart({ alg: 'HS256' })}.${encodePart(ana)}`))).toMatchObject(
    { userId: 'ana' },
  )
  expect((await refusalOf(createTokenVerifier({ secret: testSecret, now: clock.now }), token)).code).toBe(
    'token_invalid',
  )
  expect(() => createTokenVerifier({ secret: testSecret, previousSecret: 'short', now: clock.now })).toThrow(
    TypeError,
  )
})

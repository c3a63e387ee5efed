/** Tokens of an identity provider, signed with real keys of every kind, and the texts that hold such keys. */
import { createHmac, generateKeyPairSync, type KeyObject, sign, X509Certificate } from 'node:crypto'
import { SignJWT } from 'jose'
import { describe, expect, it } from 'vitest'
import { parsePublicKeys } from './public-keys.ts'
import {
  ana,
  atSeconds,
  encodePart,
  refusalAtOnce,
  refusalOf,
  sealToken,
  signToken,
  testSecret,
  testVerifier,
  verifyAtOnce,
} from './testing/tokens.ts'
import { createTokenVerifier } from './token-verifier.ts'

interface Pair {
  readonly publicKey: KeyObject
  readonly privateKey: KeyObject
}

const pairs = {
  rsa: generateKeyPairSync('rsa', { modulusLength: 2_048 }),
  otherRsa: generateKeyPairSync('rsa', { modulusLength: 2_048 }),
  p256: generateKeyPairSync('ec', { namedCurve: 'P-256' }),
  p384: generateKeyPairSync('ec', { namedCurve: 'P-384' }),
  p521: generateKeyPairSync('ec', { namedCurve: 'P-521' }),
  ed25519: generateKeyPairSync('ed25519'),
} satisfies Record<string, Pair>

const algorithmsOf: Record<keyof typeof pairs, readonly string[]> = {
  rsa: ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'],
  otherRsa: ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'],
  p256: ['ES256'],
  p384: ['ES384'],
  p521: ['ES512'],
  ed25519: ['EdDSA', 'Ed25519'],
}
const names = Object.keys(pairs) as (keyof typeof pairs)[]
const every = names.flatMap((name) => algorithmsOf[name].map((algorithm) => [name, algorithm] as const))

const spki = ({ publicKey }: Pair): string => publicKey.export({ type: 'spki', format: 'pem' }).toString()
const pkcs1 = ({ publicKey }: Pair): string => publicKey.export({ type: 'pkcs1', format: 'pem' }).toString()
const pkcs8 = ({ privateKey }: Pair): string => privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()

const joseToken = (pair: Pair, alg: string, claims: object = ana, header: object = {}): Promise<string> =>
  new SignJWT({ ...claims }).setProtectedHeader({ alg, ...header }).sign(pair.privateKey)

const allKeys = names.map((name) => spki(pairs[name])).join('')

describe('a token of an identity provider', () => {
  it.each(every)('of %s is accepted with %s', async (name, algorithm) => {
    const claims = { ...ana, roles: ['admin'] }
    for (const publicKeys of [spki(pairs[name]), allKeys]) {
      const verifier = testVerifier({ publicKeys })
      const token = await joseToken(pairs[name], algorithm, claims)
      // The second time, jose remembers the key.
      for (const _ of [1, 2]) {
        const principal = await verifier.verify(token)
        expect(principal).toMatchObject({ userId: 'ana', roles: ['admin'], issuedAtMs: atSeconds * 1_000 })
      }
    }
  })

  it.each(every)('[TK1] of %s with %s is refused when it was changed', async (name, algorithm) => {
    const verifier = testVerifier({ publicKeys: allKeys })
    const [header, , signature] = (await joseToken(pairs[name], algorithm)).split('.')
    const changed = `${header}.${encodePart({ ...ana, sub: 'eva' })}.${signature}`
    expect(await refusalOf(verifier, changed)).toMatchObject({
      code: 'token_invalid',
      message: "The token's signature is not right: another key made it, or the token was changed.",
    })
  })

  it.each(every)('[TK1] of %s with %s is refused when another key signed it', async (name, algorithm) => {
    const verifier = testVerifier({ publicKeys: spki(pairs[name]) })
    const { type, options } = {
      rsa: { type: 'rsa', options: { modulusLength: 2_048 } },
      otherRsa: { type: 'rsa', options: { modulusLength: 2_048 } },
      p256: { type: 'ec', options: { namedCurve: 'P-256' } },
      p384: { type: 'ec', options: { namedCurve: 'P-384' } },
      p521: { type: 'ec', options: { namedCurve: 'P-521' } },
      ed25519: { type: 'ed25519', options: {} },
    }[name]
    const other = generateKeyPairSync(type as 'rsa', options as { modulusLength: number })
    expect((await refusalOf(verifier, await joseToken(other, algorithm))).message).toContain(
      'another key made it',
    )
  })

  it.each(every)('[TK2] of %s with %s is refused where only others are taken', async (name, algorithm) => {
    const others = names.filter((other) => !algorithmsOf[other].includes(algorithm))
    const verifier = testVerifier({ publicKeys: others.map((other) => spki(pairs[other])).join('') })
    const token = await joseToken(pairs[name], algorithm)
    expect(refusalAtOnce(verifier, token).message).toMatch(
      /^The token must be signed with .* \(header alg\)\.$/,
    )
    expect(refusalAtOnce(testVerifier(), token).message).toContain('signed with HS256 (')
  })

  it('[TK5] has its claims checked as any other', async () => {
    const verifier = testVerifier({ publicKeys: spki(pairs.ed25519), audience: 'belfry', issuer: 'id' })
    const right = { ...ana, aud: ['belfry'], iss: 'id' }
    const refusal = async (claims: object) =>
      (await refusalOf(verifier, await joseToken(pairs.ed25519, 'EdDSA', claims))).code
    expect(await verifier.verify(await joseToken(pairs.ed25519, 'EdDSA', right))).toMatchObject({
      userId: 'ana',
    })
    expect(await refusal({ ...right, exp: atSeconds - 5 })).toBe('token_expired')
    for (const claims of [{ nbf: atSeconds + 6 }, { aud: 'x' }, { iss: 'x' }, { sub: 7 }, { roles: 'admin' }])
      expect(await refusal({ ...right, ...claims })).toBe('token_invalid')
  })

  it('[TK1] has one spelling, though jose would take others', async () => {
    const verifier = testVerifier({ publicKeys: allKeys })
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
    for (const [name, algorithm] of [
      ['p256', 'ES256'],
      ['rsa', 'RS256'],
      ['ed25519', 'EdDSA'],
    ] as const) {
      const token = await joseToken(pairs[name], algorithm)
      const next = alphabet[alphabet.indexOf(token.slice(-1)) + 1]
      const [header, payload, signature = ''] = token.split('.')
      const spelt = [
        `${token.slice(0, -1)}${next}`,
        `${token}==`,
        `${token}=`,
        `${token}\n`,
        `${header}.${payload}.${signature.slice(0, 9)}\n${signature.slice(9)}`,
        `${header}.${payload}.${signature.slice(0, 9)} ${signature.slice(9)}`,
      ]
      for (const other of spelt)
        expect((await refusalOf(verifier, other)).message).toBe(
          'The third part of the token is not base64url.',
        )
    }
  })

  it('[TK1] has one spelling of its claims, even when they are signed', async () => {
    const verifier = testVerifier({ publicKeys: spki(pairs.ed25519) })
    const seal = (signed: string) =>
      `${signed}.${sign(null, Buffer.from(signed), pairs.ed25519.privateKey).toString('base64url')}`
    const header = encodePart({ alg: 'EdDSA' })
    const payload = encodePart({ sub: 'ana', t: 12 })
    expect(await verifier.verify(seal(`${header}.${payload}`))).toMatchObject({ userId: 'ana' })
    for (const odd of [`${payload}=`, `${payload} `, `${payload.slice(0, 4)} ${payload.slice(4)}`])
      expect((await refusalOf(verifier, seal(`${header}.${odd}`))).message).toMatch(
        /holds no claims|not right/,
      )
  })

  it('[TK1] of ES256 has a second signature that anybody can compute, and says the same with it', async () => {
    const order = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n
    const token = await joseToken(pairs.p256, 'ES256')
    const [header, payload, signature = ''] = token.split('.')
    const bytes = Buffer.from(signature, 'base64url')
    const other = (order - BigInt(`0x${bytes.toString('hex', 32)}`)).toString(16).padStart(64, '0')
    const twin = Buffer.concat([bytes.subarray(0, 32), Buffer.from(other, 'hex')]).toString('base64url')
    expect(twin).not.toBe(signature)
    const verifier = testVerifier({ publicKeys: spki(pairs.p256) })
    expect(await verifier.verify(`${header}.${payload}.${twin}`)).toEqual(await verifier.verify(token))
  })

  it.each([0, 1, 63, 65, 72, 128])('[TK1] is refused when its signature has %i bytes', async (length) => {
    const verifier = testVerifier({ publicKeys: allKeys })
    for (const alg of ['ES256', 'EdDSA', 'RS256']) {
      const signed = `${encodePart({ alg })}.${encodePart(ana)}`
      const token = `${signed}.${Buffer.alloc(length, 1).toString('base64url')}`
      expect((await refusalOf(verifier, token)).code).toBe('token_invalid')
    }
  })

  it('[TK1] is refused when its signature is of zeros', async () => {
    const verifier = testVerifier({ publicKeys: allKeys })
    for (const [alg, length] of [
      ['ES256', 64],
      ['ES384', 96],
      ['ES512', 132],
      ['EdDSA', 64],
      ['RS256', 256],
    ] as const) {
      const signed = `${encodePart({ alg })}.${encodePart(ana)}`
      const token = `${signed}.${Buffer.alloc(length).toString('base64url')}`
      expect((await refusalOf(verifier, token)).message, alg).toContain('another key made it')
    }
  })

  it('may name its key or bring one, which changes nothing', async () => {
    const verifier = testVerifier({ publicKeys: spki(pairs.p256) })
    const other = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    const header = {
      kid: 'any',
      jku: 'https://evil.example.com',
      jwk: other.publicKey.export({ format: 'jwk' }),
    }
    expect(await verifier.verify(await joseToken(pairs.p256, 'ES256', ana, header))).toMatchObject({
      userId: 'ana',
    })
    await refusalOf(verifier, await joseToken(other, 'ES256', ana, header))
  })

  it('may not ask for extensions, nor be of another type', async () => {
    const verifier = testVerifier({ publicKeys: spki(pairs.p256) })
    for (const header of [{ crit: ['b64'], b64: true }, { typ: 'logout+jwt' }])
      expect(refusalAtOnce(verifier, await joseToken(pairs.p256, 'ES256', ana, header)).code).toBe(
        'token_invalid',
      )
  })
})

describe('a public key', () => {
  it('[TK2] is no secret: what is signed with its text is refused', async () => {
    for (const name of names) {
      const pem = spki(pairs[name])
      const forms = [
        pem,
        pem.trim(),
        pem.replaceAll('\n', ''),
        pem.replaceAll('\n', '\\n'),
        pem.replaceAll('\n', '\r\n'),
      ]
      const der = pairs[name].publicKey.export({ type: 'spki', format: 'der' })
      for (const secret of [...forms, der.toString('base64'), der.toString('latin1')]) {
        for (const own of [{ publicKeys: pem }, { publicKeys: pem, secret: testSecret }]) {
          const verifier = testVerifier(own)
          for (const alg of ['HS256', ...algorithmsOf[name]])
            await refusalOf(verifier, signToken({ header: { alg }, secret }))
        }
      }
      const raw = `${encodePart({ alg: 'HS256' })}.${encodePart(ana)}`
      const token = `${raw}.${createHmac('sha256', der).update(raw).digest('base64url')}`
      await refusalOf(testVerifier({ publicKeys: pem, secret: testSecret }), token)
    }
  })

  it('[TK2] alone takes no HS256, nor anything without a signature', () => {
    const verifier = testVerifier({ publicKeys: allKeys })
    for (const alg of ['HS256', 'none', 'HS512', 'ES256K', 'ML-DSA-44'])
      expect(refusalAtOnce(verifier, signToken({ header: { alg } })).message).toBe(
        'The token must be signed with RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, ES512, EdDSA, Ed25519 (header alg).',
      )
  })

  it('[TK7] leaves tokens of the secret as they were: answered in the same turn', async () => {
    const verifier = testVerifier({ publicKeys: allKeys, secret: testSecret })
    expect(verifyAtOnce(verifier, signToken()).userId).toBe('ana')
    expect(refusalAtOnce(verifier, signToken({ secret: 'x'.repeat(40) })).code).toBe('token_invalid')
    expect(await verifier.verify(await joseToken(pairs.p384, 'ES384'))).toMatchObject({ userId: 'ana' })
    // A header that was accepted once is no pass for another kind of signature.
    const token = await joseToken(pairs.p384, 'ES384')
    await refusalOf(verifier, sealToken(token.slice(0, token.lastIndexOf('.'))))
  })

  it('may be one of two of a kind, while a provider changes its key', async () => {
    const publicKeys = spki(pairs.rsa) + spki(pairs.otherRsa)
    for (const name of ['rsa', 'otherRsa'] as const) {
      const token = await joseToken(pairs[name], 'RS256')
      expect(await testVerifier({ publicKeys }).verify(token)).toMatchObject({ userId: 'ana' })
    }
  })

  it('is refused as a text that a verifier could not use', () => {
    expect(() => createTokenVerifier({ publicKeys: 'x', now: () => 0 })).toThrow(
      'The text of the public keys must be public keys or certificates as PEM',
    )
    expect(() => createTokenVerifier({ publicKeys: '', now: () => 0 })).toThrow(TypeError)
  })
})

describe('the text of public keys', () => {
  const algorithmsIn = (text: string) => {
    const parsed = parsePublicKeys(text)
    return 'mistake' in parsed ? parsed.mistake : parsed.keys.map(({ algorithms }) => algorithms[0])
  }

  it('is PEM, one after the other, with line breaks as they come', () => {
    const both = spki(pairs.p256) + spki(pairs.ed25519)
    for (const text of [both, `\n${both}\n\n`, both.replaceAll('\n', '\r\n'), both.replaceAll('\n', '\\n')])
      expect(algorithmsIn(text)).toEqual(['ES256', 'EdDSA'])
    expect(algorithmsIn(both.replace('\n-----BEGIN', '-----BEGIN'))).toEqual(['ES256', 'EdDSA'])
    expect(algorithmsIn(pkcs1(pairs.rsa))).toEqual(['RS256'])
  })

  it('may be a certificate, of which only the key counts', async () => {
    const key = new X509Certificate(certificate).publicKey.export({ type: 'spki', format: 'pem' }).toString()
    expect(algorithmsIn(certificate)).toEqual(['ES256'])
    expect(algorithmsIn(certificate + key)).toEqual(['ES256', 'ES256'])
  })

  it.each([
    ['a private key', () => pkcs8(pairs.rsa)],
    ['a private key behind a public one', () => spki(pairs.p256) + pkcs8(pairs.p256)],
    ['an old private key', () => pairs.rsa.privateKey.export({ type: 'pkcs1', format: 'pem' }).toString()],
  ])('is not %s', (_, text) => expect(algorithmsIn(text())).toContain('holds a private key'))

  it.each([
    ['empty', () => ''],
    ['blank', () => ' \n '],
    ['anything', () => 'ssh-ed25519 AAAA'],
    ['half a key', () => spki(pairs.rsa).slice(0, -20)],
    ['a key and half a key', () => spki(pairs.p256) + spki(pairs.rsa).slice(0, -20)],
    ['a key with words', () => `my key\n${spki(pairs.p256)}`],
    ['a key without its first line', () => spki(pairs.p256).split('\n').slice(1).join('\n')],
    ['a request', () => spki(pairs.p256).replaceAll('PUBLIC KEY', 'CERTIFICATE REQUEST')],
    ['parameters', () => '-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n'],
  ])('is not %s', (_, text) => expect(algorithmsIn(text())).toContain('must be public keys or certificates'))

  it('has a bound', () => {
    expect(algorithmsIn(spki(pairs.ed25519).repeat(8))).toHaveLength(8)
    expect(algorithmsIn(spki(pairs.ed25519).repeat(9))).toBe('must hold 8 keys or fewer')
  })

  it('says which key cannot be read', () => {
    const broken = spki(pairs.p256).replace(/\n.{10}/, '\nAAAAAAAAAA')
    expect(algorithmsIn(broken)).toBe('holds a key that cannot be read')
    expect(algorithmsIn(spki(pairs.rsa) + broken)).toBe(
      'holds a key (the one at place 2) that cannot be read',
    )
  })

  it.each([
    ['RSA of 1,024 bits', () => generateKeyPairSync('rsa', { modulusLength: 1_024 })],
    ['RSA of 2,047 bits', () => generateKeyPairSync('rsa', { modulusLength: 2_047 })],
    ['RSA of PSS alone', () => generateKeyPairSync('rsa-pss', { modulusLength: 2_048 })],
    ['secp256k1', () => generateKeyPairSync('ec', { namedCurve: 'secp256k1' })],
    ['Ed448', () => generateKeyPairSync('ed448')],
    ['X25519', () => generateKeyPairSync('x25519')],
  ])('is not of %s', (_, make) => {
    expect(algorithmsIn(spki(make()))).toMatch(/^holds a key of a kind that Belfry cannot use; it takes RSA/)
  })
})

/** Signed by itself, valid on one day of 2026. */
const certificate = `-----BEGIN CERTIFICATE-----
MIIBcjCCARmgAwIBAgIUflQYsAdBwEjBdtHyXSUWzIet9IIwCgYIKoZIzj0EAwIw
DzENMAsGA1UEAwwEdGVzdDAeFw0yNjExMjExMjAyMzNaFw0yNjExMjIxMjAyMzNa
MA8xDTALBgNVBAMMBHRlc3QwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAARkH2/N
xC4dOEUzhm26cxZRWeVbZIbWKesx5kX+AoOFMos7lyVCqdt96hYabdS09Qh+UkA9
42/Lg8lNALDMVLMJo1MwUTAdBgNVHQ4EFgQU8e9jYt/ArvlJTuNclIJuDCtr5NEw
HwYDVR0jBBgwFoAU8e9jYt/ArvlJTuNclIJuDCtr5NEwDwYDVR0TAQH/BAUwAwEB
/zAKBggqhkjOPQQDAgNHADBEAiBIl7lQu8UYsrOAWEpmpZDGwTbLbbNhrAifZ3Aq
CARD3QIgMlM/j/kcyrw8mJfWr58hsjEHEiqsIpfnvNq2O6xScDs=
-----END CERTIFICATE-----
`

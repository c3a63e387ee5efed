/** A server that has no public keys, or meets no token for them, does not load `jose`. */
import { generateKeyPairSync } from 'node:crypto'
import { expect, it, vi } from 'vitest'
import { encodePart, refusalOf, signToken, testSecret, testVerifier } from './testing/tokens.ts'

const loads = vi.hoisted(() => ({ count: 0 }))

vi.mock('jose', async (original) => {
  loads.count += 1
  return original()
})

it('loads it with the first token of an identity provider', async () => {
  const { publicKey } = generateKeyPairSync('ed25519')
  const publicKeys = publicKey.export({ type: 'spki', format: 'pem' }).toString()
  const verifier = testVerifier({ publicKeys, secret: testSecret })
  await verifier.verify(signToken())
  await refusalOf(verifier, signToken({ header: { alg: 'RS256' } }))
  expect(loads.count).toBe(0)
  const unsigned = `${encodePart({ alg: 'EdDSA' })}.${encodePart({ sub: 'ana' })}`
  await refusalOf(verifier, `${unsigned}.${Buffer.alloc(64).toString('base64url')}`)
  expect(loads.count).toBe(1)
})

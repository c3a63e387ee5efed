/** What every `Revocations` must do, rule by rule (see ports/revocations.ts). */
import { Refusal, type UserId } from '@belfry/contract'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Transaction } from '../ports/database.ts'
import { type Credential, type Revocation, type Revocations, revocationsMax } from '../ports/revocations.ts'
import type { TestClock } from './test-clock.ts'
import { until } from './until.ts'

export interface RevocationsWorld extends AsyncDisposable {
  readonly clock: TestClock
  /** The revocations as a further node sees them, which begins to look now. */
  open(): Promise<Revocations>
  transaction(work: (transaction: Transaction) => Promise<void>): Promise<void>
}

const at = Date.UTC(2030, 0, 1)
const keptUntilMs = at + 3_600_000
const ana: Credential = { userId: 'ana' as UserId, tokenId: 't-1', loginId: 'l-1', issuedAtMs: at }

export function describeRevocationsContract(
  adapter: string,
  makeWorld: () => Promise<RevocationsWorld>,
): void {
  describe(`Revocations contract: ${adapter}`, () => {
    let world: RevocationsWorld
    let here: Revocations
    let there: Revocations

    beforeEach(async () => {
      world = await makeWorld()
      here = await world.open()
      there = await world.open()
    })
    afterEach(async () => world[Symbol.asyncDispose]())

    /** Half a second of the clock's time, after which everybody has looked, as soon as the store answers. */
    const lookThere = async (credential: Credential) => {
      world.clock.advance(500)
      await until(() => there.isRevoked(credential))
    }

    const concerned: readonly [string, Revocation][] = [
      ['a token', { kind: 'token', id: 't-1', keptUntilMs }],
      ['a login', { kind: 'login', id: 'l-1', keptUntilMs }],
      ['what a user got before', { kind: 'user', id: 'ana', issuedBeforeMs: at + 1, keptUntilMs }],
      ['what everybody got before', { kind: 'everyone', issuedBeforeMs: at + 1, keptUntilMs }],
    ]
    it.each(concerned)(
      '[RV1] takes back %s, here at once and elsewhere within a second',
      async (_what, revocation) => {
        expect(here.isRevoked(ana)).toBe(false)
        await here.revoke(revocation)
        expect(here.isRevoked(ana)).toBe(true)
        await lookThere(ana)
      },
    )

    it.each(concerned)(
      '[RV2] knows from its first moment %s that was revoked before',
      async (_what, revocation) => {
        await here.revoke(revocation)
        expect((await world.open()).isRevoked(ana)).toBe(true)
      },
    )

    it('[RV1] takes nothing else back', async () => {
      const others: readonly Credential[] = [
        { ...ana, tokenId: 't-2', loginId: 'l-2' },
        { ...ana, tokenId: 'l-1', loginId: 't-1' },
        { ...ana, tokenId: undefined, loginId: undefined },
        { ...ana, userId: 't-1' as UserId, tokenId: 'ana', loginId: 'ana', issuedAtMs: undefined },
      ]
      await here.revoke({ kind: 'token', id: 't-1', keptUntilMs })
      await here.revoke({ kind: 'login', id: 'l-1', keptUntilMs })
      await here.revoke({ kind: 'user', id: 'ben', issuedBeforeMs: at + 1, keptUntilMs })
      await here.revoke({ kind: 'user', id: 'all', issuedBeforeMs: at + 1, keptUntilMs })
      expect(others.map((credential) => here.isRevoked(credential))).toEqual([false, false, false, false])
      await lookThere(ana)
      expect(others.map((credential) => there.isRevoked(credential))).toEqual([false, false, false, false])
    })

    it('[RV1] with a transaction, holds from its commit on, and not without it', async () => {
      await world.transaction(async (transaction) => {
        await here.revoke({ kind: 'token', id: 't-1', keptUntilMs }, transaction)
        expect(here.isRevoked(ana)).toBe(false)
      })
      expect(here.isRevoked(ana)).toBe(true)
      const failing = world.transaction(async (transaction) => {
        await here.revoke({ kind: 'token', id: 't-2', keptUntilMs }, transaction)
        throw new Error('on purpose')
      })
      await expect(failing).rejects.toThrow('on purpose')
      await lookThere(ana)
      for (const each of [here, there, await world.open()])
        expect(each.isRevoked({ ...ana, tokenId: 't-2' })).toBe(false)
    })

    it('[RV4] tells of each once, when it is in force', async () => {
      const heard: [string, Revocation, boolean][] = []
      const listen = (name: string, revocations: Revocations) =>
        revocations.subscribe((told) => {
          for (const each of told) heard.push([name, each, revocations.isRevoked(ana)])
        })
      const stops = [listen('here', here), listen('there', there)]
      const revocation: Revocation = { kind: 'user', id: 'ana', issuedBeforeMs: at + 1, keptUntilMs }
      await here.revoke(revocation)
      await lookThere(ana)
      await here.revoke(revocation)
      await here.revoke({ ...revocation, issuedBeforeMs: at })
      await there.revoke({ kind: 'token', id: 't-9', keptUntilMs })
      world.clock.advance(500)
      await until(() => here.isRevoked({ ...ana, issuedAtMs: at + 1, tokenId: 't-9' }))
      const told = (name: string) => heard.filter(([by]) => by === name).map(([, each]) => each)
      for (const name of new Set(heard.map(([by]) => by)))
        expect(told(name)).toEqual([revocation, { kind: 'token', id: 't-9', keptUntilMs }])
      expect(heard.every(([, , wasInForce]) => wasInForce)).toBe(true)
      for (const stop of stops) stop()
      await here.revoke({ kind: 'token', id: 't-10', keptUntilMs })
      expect(told('here')).toHaveLength(2)
    })

    it('[RV4] bears a listener that fails', async () => {
      const heard: Revocation[] = []
      here.subscribe(() => {
        throw new Error('on purpose')
      })
      here.subscribe((told) => heard.push(...told))
      await here.revoke({ kind: 'token', id: 't-1', keptUntilMs })
      expect(heard).toHaveLength(1)
    })

    it('[RV5] keeps what takes more back, in whatever order they come', async () => {
      for (const issuedBeforeMs of [at + 5, at + 10, at + 7]) {
        await here.revoke({ kind: 'user', id: 'ana', issuedBeforeMs, keptUntilMs })
        await there.revoke({ kind: 'everyone', issuedBeforeMs: issuedBeforeMs - 5, keptUntilMs })
      }
      world.clock.advance(500)
      const late = { ...ana, issuedAtMs: at + 9 }
      await until(() => here.isRevoked(late) && there.isRevoked(late))
      await until(() => here.isRevoked({ ...ana, userId: 'ben' as UserId, issuedAtMs: at + 4 }))
      for (const each of [here, there, await world.open()]) {
        expect(each.isRevoked({ ...ana, issuedAtMs: at + 10 })).toBe(false)
        expect(each.isRevoked({ ...ana, userId: 'ben' as UserId, issuedAtMs: at + 5 })).toBe(false)
      }
    })

    it('[RV6] takes nothing back that was issued at the moment or later, and what has no time', async () => {
      const undated = { ...ana, issuedAtMs: undefined }
      await here.revoke({ kind: 'user', id: 'ana', issuedBeforeMs: at, keptUntilMs })
      expect(here.isRevoked({ ...ana, issuedAtMs: at - 1 })).toBe(true)
      expect(here.isRevoked(ana)).toBe(false)
      expect(here.isRevoked(undated)).toBe(true)
      expect(here.isRevoked({ ...undated, userId: 'ben' as UserId })).toBe(false)
      await here.revoke({ kind: 'everyone', issuedBeforeMs: 1, keptUntilMs })
      expect(here.isRevoked({ ...undated, userId: 'ben' as UserId })).toBe(true)
    })

    it('[RV7] forgets what has passed its time, and not before', async () => {
      for (const [, revocation] of concerned) await here.revoke(revocation)
      for (const [, revocation] of concerned)
        await here.revoke({ ...revocation, keptUntilMs: keptUntilMs - 1_000_000 })
      expect(here.size).toBe(4)
      world.clock.advance(keptUntilMs - at - 1)
      expect(here.size).toBe(4)
      expect(here.isRevoked(ana)).toBe(true)
      world.clock.advance(60_000)
      await until(() => here.size === 0 && there.size === 0)
      expect(here.isRevoked(ana)).toBe(false)
    })

    it('[RV1] keeps up with many at once', async () => {
      const ids = Array.from({ length: 300 }, (_, n) => `many-${n}`)
      await Promise.all(
        ids.map((id, n) => (n % 2 === 0 ? here : there).revoke({ kind: 'login', id, keptUntilMs })),
      )
      world.clock.advance(500)
      for (const each of [here, there])
        await until(() => ids.every((loginId) => each.isRevoked({ ...ana, loginId })))
    })
  })
}

/** For an adapter that has so many, however they came there. */
export async function expectFull(revocations: Revocations): Promise<void> {
  expect(revocations.size).toBe(revocationsMax)
  const refused = await revocations
    .revoke({ kind: 'token', id: 'one too many', keptUntilMs })
    .catch((error) => error)
  expect(refused).toBeInstanceOf(Refusal)
  expect(refused.code).toBe('too_many_requests')
  expect(revocations.isRevoked({ ...ana, tokenId: 'one too many' })).toBe(false)
  await revocations.revoke({ kind: 'everyone', issuedBeforeMs: at + 1, keptUntilMs })
  expect(revocations.isRevoked(ana)).toBe(true)
}

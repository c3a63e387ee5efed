/** Revocations in memory: the contract, and what happens when there are too many. */
import { expect, it } from 'vitest'
import type { Transaction } from '../ports/database.ts'
import { revocationsMax } from '../ports/revocations.ts'
import { createRecordingLogger } from '../testing/recording-logger.ts'
import { describeRevocationsContract, expectFull } from '../testing/revocations-contract.ts'
import { createTestClock } from '../testing/test-clock.ts'
import { createMemoryRevocations } from './revocations.ts'

describeRevocationsContract('memory', async () => {
  const clock = createTestClock()
  const revocations = createMemoryRevocations({ clock, logger: createRecordingLogger() })
  return {
    clock,
    open: async () => revocations,
    async transaction(work) {
      const actions: (() => void)[] = []
      const query = () => Promise.reject(new Error('There is no database.'))
      await work({ query, afterCommit: (action) => actions.push(action) } as Transaction)
      for (const action of actions) action()
    },
    async [Symbol.asyncDispose]() {
      revocations.close()
      expect(clock.timers).toBe(0)
    },
  }
})

it('[RV7] says so when it can keep no more, and can take everything back still', async () => {
  const clock = createTestClock()
  const revocations = createMemoryRevocations({ clock, logger: createRecordingLogger() })
  const keptUntilMs = clock.now() + 1_000
  for (let n = 0; n < revocationsMax; n += 1)
    await revocations.revoke({ kind: 'token', id: `${n}`, keptUntilMs })
  await expectFull(revocations)
  revocations.close()
})

import { randomBytes } from 'node:crypto'
import type { Transaction } from '../ports/database.ts'
import { describeOutboxContract } from '../testing/outbox-contract.ts'
import { createRecordingLogger } from '../testing/recording-logger.ts'
import { createTestClock } from '../testing/test-clock.ts'
import { createMemoryDurableLog } from './durable-log.ts'
import { createMemoryLog } from './log.ts'

describeOutboxContract('memory', async () => {
  const clock = createTestClock()
  const logger = createRecordingLogger()
  const log = createMemoryLog({ clock, randomBytes })
  const durable = createMemoryDurableLog({ log, logger })
  return {
    clock,
    logger,
    open: async () => durable,
    async transaction(work) {
      const actions: (() => void)[] = []
      const transaction: Transaction = {
        query: () => Promise.reject(new Error('There is no database.')),
        afterCommit: (action) => actions.push(action),
      }
      const result = await work(transaction)
      for (const action of actions) action()
      return result
    },
    async [Symbol.asyncDispose]() {
      log.close()
    },
  }
})

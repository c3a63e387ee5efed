/** The broker in memory: the contract, and that it answers in the same turn. */
import type { SessionId } from '@belfry/contract'
import { expect, it } from 'vitest'
import type { Broker } from '../ports/broker.ts'
import type { Logger } from '../ports/logger.ts'
import { describeBrokerContract } from '../testing/broker-contract.ts'
import { entryOf } from '../testing/log-contract.ts'
import { createMemoryBroker } from './broker.ts'

describeBrokerContract('memory', async () => {
  const errors: object[] = []
  // A node that is alone: near and far are the same broker, unless it is asked for other bounds.
  let broker: Broker | undefined
  return {
    errors,
    async open(options) {
      if (broker === undefined || options !== undefined)
        broker = createMemoryBroker({ logger: loggerInto(errors), ...options })
      return broker
    },
    async [Symbol.asyncDispose]() {},
  }
})

it('calls every handler before the call returns', () => {
  const broker = createMemoryBroker({ logger: loggerInto([]) })
  const received: string[] = []
  broker.subscribe((namespace) => received.push(namespace))
  broker.listen(({ kind }) => received.push(kind))
  expect(broker.publish('/posts', undefined, entryOf(1))).toBeUndefined()
  expect(
    broker.announce({ kind: 'session-fenced', sessionId: 's1' as SessionId, generation: 1 }),
  ).toBeUndefined()
  expect(received).toEqual(['/posts', 'session-fenced'])
})

it('hands the entry itself to the handlers, without a copy for each', () => {
  const broker = createMemoryBroker({ logger: loggerInto([]) })
  const received: unknown[] = []
  broker.subscribe((_namespace, _position, entry) => received.push(entry))
  const entry = entryOf(1)
  void broker.publish('/posts', undefined, entry)
  expect(received[0]).toBe(entry)
})

it('goes on after a logger that threw', () => {
  const failing = () => {
    throw new Error('broken logger')
  }
  const broker = createMemoryBroker({ logger: { ...loggerInto([]), error: failing } })
  const received: string[] = []
  const stop = broker.subscribe(() => {
    throw new Error('broken handler')
  })
  broker.subscribe((namespace) => received.push(namespace))
  expect(() => broker.publish('/posts', undefined, entryOf(1))).toThrow('broken logger')
  stop()
  void broker.publish('/jobs', undefined, entryOf(2))
  expect(received).toEqual(['/jobs'])
})

function loggerInto(errors: object[]): Logger {
  const ignore = () => undefined
  return { debug: ignore, info: ignore, warn: ignore, error: (fields) => errors.push(fields) }
}

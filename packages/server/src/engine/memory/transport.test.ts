/** The transport in memory: the contract, and what only its clients do. */

import { createTestClock } from '../testing/test-clock.ts'
import { describeTransportContract } from '../testing/transport-contract.ts'
import { createMemoryTransport } from './transport.ts'

describeTransportContract('memory', async ({ handler, bounds }) => {
  const clock = createTestClock()
  const memory = createMemoryTransport({ handler, clock, bounds })
  return {
    clock,
    transport: memory.transport,
    async connect({ userAgent = 'test' } = {}) {
      const takesCursor = !/^[Pp]ython/.test(userAgent)
      const client = memory.connect({ userAgent, takesCursor, comesBack: true })
      return {
        get deliveries() {
          return client.deliveries
        },
        open(namespace, auth) {
          const session = client.open(namespace, auth)
          return {
            get isOpen() {
              return session.state === 'open'
            },
            get onRequest() {
              return session.onRequest
            },
            set onRequest(answer) {
              session.onRequest = answer
            },
            send: (name, ...args) => session.send(name, ...args),
            ask: (name, ...args) => session.ask(name, ...args),
            leave: () => session.leave(),
          }
        },
        pause: () => client.pause(),
        resume: () => client.resume(),
        cut: () => client.cut(),
        atRest: async () => undefined,
        close: () => client.close(),
        misbehave: () => client.cut('malformed_packet'),
      }
    },
    async [Symbol.asyncDispose]() {},
  }
})

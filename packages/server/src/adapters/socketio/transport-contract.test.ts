/** The socket server keeps the contract of transports for stock clients, whatever carries them. */
import { describeTransportContract } from '../../engine/testing/transport-contract.ts'
import { defaultWireOptions } from './socket-server.ts'
import { openSocketWorld, type SocketWorldOptions } from './testing/socket-world.ts'

/** The clock of these tests stands still, so every packet is of the same second. */
const packetsPerSecondMax = 100_000

const worlds: readonly [string, Omit<SocketWorldOptions, 'handler'>][] = [
  ['WebSocket', { transports: ['websocket'] }],
  ['polling', { transports: ['polling'] }],
  [
    'WebSocket after polling, compressed',
    { transports: ['polling', 'websocket'], server: { bounds: { compressBeyondBytes: 64 } } },
  ],
  ['WebSocket with MessagePack', { transports: ['websocket'], server: { parser: 'msgpack' } }],
]

for (const [adapter, options] of worlds)
  describeTransportContract(adapter, ({ handler, bounds }) =>
    openSocketWorld({
      ...options,
      handler,
      server: {
        ...options.server,
        bounds: {
          ...defaultWireOptions,
          ...options.server?.bounds,
          packetsPerSecondMax,
          queueBounds: bounds,
        },
      },
    }),
  )

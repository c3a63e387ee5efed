/** How a client that polls moves to WebSocket: both ways stay open until it has shown that the new one works. */
import type { WireConnection } from './connection.ts'
import { EnginePacketType } from './packets/engine-packets.ts'
import type { PollingCarrier } from './polling-carrier.ts'
import type { Timed } from './timer-wheel.ts'
import { probeAnswer, probePacket, type WebSocketCarrier } from './websocket-carrier.ts'

/** Moves a polling client to WebSocket, once it has shown that it can hear and be heard there. */
export function probe(connection: WireConnection, polling: PollingCarrier, carrier: WebSocketCarrier): void {
  const { wheel } = connection.wire
  const deadline = new Deadline(() => carrier.end('idle_connection'))
  wheel.set(deadline, probeMs)
  let isAnswered = false
  carrier.probe({
    received(packet) {
      // Another WebSocket of the same client may have been faster.
      const isWanted = connection.carrier === polling && connection.isOpen
      if (isWanted && packet === probePacket && !isAnswered) {
        isAnswered = true
        carrier.sendNow(probeAnswer)
        polling.probed()
      } else if (isWanted && packet === EnginePacketType.UPGRADE) {
        wheel.clear(deadline)
        carrier.serve(connection)
        connection.upgrade(carrier)
        polling.end('client_closed')
      } else carrier.end('malformed_packet')
    },
    ended() {
      wheel.clear(deadline)
      if (isAnswered) polling.unprobed()
    },
  })
}

class Deadline implements Timed {
  previousTimed: Timed | undefined
  nextTimed: Timed | undefined
  dueTick = -1
  readonly onDue: () => void

  constructor(onDue: () => void) {
    this.onDue = onDue
  }
}

/** A client that tries WebSocket finds out within a few round trips. */
const probeMs = 10_000

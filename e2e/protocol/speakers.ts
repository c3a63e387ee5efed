/** One client at the level of Socket.IO packets, whichever transport carries them. */
import type { RawPolling, RawSocket } from './raw-clients.ts'
import type { World } from './world.ts'

export type SpokenPacket = string | Buffer

export interface Speaker {
  /** Packets without the type of Engine.IO; bytes are attachments. */
  say(...packets: readonly (string | Uint8Array)[]): Promise<void>
  /** Engine.IO packets, with their types. */
  sayEngine(...packets: readonly string[]): Promise<void>
  /** The next one that was not heard yet; pings are passed over. Rejects when there will be none. */
  hear(): Promise<SpokenPacket>
  hearText(): Promise<string>
  enter(token: string, namespace?: string, auth?: object): Promise<{ sid: string; pid: string }>
  /** Resolves when the server has ended the connection. */
  readonly closed: Promise<unknown>
}

export const transports = ['websocket', 'polling'] as const

export async function openSpeaker(world: World, transport: (typeof transports)[number]): Promise<Speaker> {
  return transport === 'websocket'
    ? overWebSocket(await world.rawSocket())
    : overPolling(await world.rawPolling())
}

async function overWebSocket(socket: RawSocket): Promise<Speaker> {
  await socket.handshake()
  return speaker({
    closed: socket.closed,
    async say(packets) {
      socket.send(...packets.map((packet) => (typeof packet === 'string' ? `4${packet}` : packet)))
    },
    async sayEngine(packets) {
      socket.send(...packets)
    },
    hear: async () => [await socket.next()],
  })
}

async function overPolling(polling: RawPolling): Promise<Speaker> {
  const closed = Promise.withResolvers<void>()
  return speaker({
    closed: closed.promise,
    async say(packets) {
      const records = packets.map((packet) =>
        typeof packet === 'string' ? `4${packet}` : `b${Buffer.from(packet).toString('base64')}`,
      )
      await polling.post(records.join('\x1e'))
    },
    async sayEngine(packets) {
      await polling.post(packets.join('\x1e'))
    },
    async hear() {
      const { status, text, packets } = await polling.poll()
      if (status !== 200 || text === '1') {
        closed.resolve()
        throw new Error(`Closed: ${status} ${text}`)
      }
      return packets.map((packet) =>
        packet.startsWith('b') ? Buffer.from(packet.slice(1), 'base64') : packet,
      )
    },
  })
}

function speaker(line: {
  readonly closed: Promise<unknown>
  say(packets: readonly (string | Uint8Array)[]): Promise<void>
  sayEngine(packets: readonly string[]): Promise<void>
  /** Engine.IO packets. */
  hear(): Promise<readonly SpokenPacket[]>
}): Speaker {
  const waiting: SpokenPacket[] = []
  const own: Speaker = {
    closed: line.closed,
    say: (...packets) => line.say(packets),
    sayEngine: (...packets) => line.sayEngine(packets),
    async hear() {
      for (;;) {
        const packet = waiting.shift()
        if (packet === undefined) waiting.push(...(await line.hear()))
        else if (typeof packet !== 'string') return packet
        else if (packet.startsWith('4')) return packet.slice(1)
        else if (packet !== '6' && packet !== '2') throw new Error(`This was not expected: ${packet}`)
      }
    },
    async hearText() {
      const packet = await own.hear()
      if (typeof packet !== 'string') throw new Error(`Bytes came instead of text: ${packet.toString('hex')}`)
      return packet
    },
    async enter(token, namespace = '/posts', auth = {}) {
      await own.say(`0${namespace},${JSON.stringify({ token, ...auth })}`)
      const answer = await own.hearText()
      const start = `0${namespace},`
      if (!answer.startsWith(start)) throw new Error(`Not let in: ${answer}`)
      return JSON.parse(answer.slice(start.length))
    },
  }
  return own
}

/** The encoder and decoder of the stock client, as its manager uses them. */
import { Manager } from 'socket.io-client'
import msgpackParser from 'socket.io-msgpack-parser'

export interface StockPacket {
  type: number
  nsp: string
  data?: unknown
  id?: number | undefined
  options?: object
}

export interface StockCodec {
  encode(packet: StockPacket): (string | Uint8Array)[]
  /** What the client makes of these messages; throws as it does. */
  decode(messages: readonly unknown[]): StockPacket[]
}

export const stockText = stockCodec({})
export const stockMsgpack = stockCodec({ parser: msgpackParser })

function stockCodec(options: { parser?: unknown }): StockCodec {
  const manager = (): StockManager =>
    new Manager('http://127.0.0.1', { ...options, autoConnect: false }) as unknown as StockManager
  const { encoder } = manager()
  return {
    encode: (packet) => encoder.encode(packet),
    decode(messages) {
      const decoded: StockPacket[] = []
      const { decoder } = manager()
      decoder.on('decoded', (packet) => decoded.push(packet))
      for (const message of messages) decoder.add(message)
      return decoded
    },
  }
}

interface StockManager {
  readonly encoder: { encode(packet: StockPacket): (string | Uint8Array)[] }
  readonly decoder: {
    on(event: 'decoded', listener: (packet: StockPacket) => void): void
    add(message: unknown): void
  }
}

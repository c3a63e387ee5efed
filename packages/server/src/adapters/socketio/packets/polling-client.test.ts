/** Stock clients over polling, against the smallest server that our encoders and decoders make. */
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { io } from 'socket.io-client'
import { io as io46 } from 'socket.io-client-4-6'
import msgpackParser from 'socket.io-msgpack-parser'
import { expect, it } from 'vitest'
import { until } from '../../../engine/testing/until.ts'
import { decodePayload, EnginePacketType, encodePayload, openPacket } from './engine-packets.ts'
import { msgpackCodec } from './msgpack-codec.ts'
import { defaultPacketLimits, type InboundPacket, type Message, PacketType } from './packet.ts'
import { textCodec } from './text-codec.ts'

it.each([
  ['text', '4.8', textCodec, io, {}],
  ['text', '4.6', textCodec, io46, {}],
  ['msgpack', '4.8', msgpackCodec, io, { parser: msgpackParser }],
  ['msgpack', '4.6', msgpackCodec, io46, { parser: msgpackParser }],
] as const)(
  '%s with a client of %s: connect, command, answer, event, goodbye',
  async (_, __, codec, connect, parser) => {
    const waiting: Message[] = []
    const inbound: InboundPacket[] = []
    const reader = codec.createReader(defaultPacketLimits)
    let poll: ServerResponse | undefined
    const send = (messages: readonly Message[]) => {
      waiting.push(...messages.map((message) => (typeof message === 'string' ? `4${message}` : message)))
      if (poll === undefined) return
      poll.end(encodePayload(waiting.splice(0)))
      poll = undefined
    }
    const receive = (packet: InboundPacket) => {
      inbound.push(packet)
      if (packet.type === PacketType.CONNECT) send(codec.encodeConnect(packet.namespace, { sid: 's' }))
      if (packet.type === PacketType.EVENT && packet.id !== undefined)
        send([
          ...codec.encodeAck(packet.namespace, packet.id, packet.args),
          ...codec.encodeEvent(packet.namespace, ['told', ...packet.args, 'k.1']),
        ])
    }
    const server = createServer(async (request: IncomingMessage, response: ServerResponse) => {
      const isNew = !request.url?.includes('sid=')
      if (isNew) {
        const handshake = {
          sid: 'x',
          upgrades: [],
          pingInterval: 25_000,
          pingTimeout: 20_000,
          maxPayload: 100_000,
        }
        response.end(openPacket(handshake))
      } else if (request.method === 'GET') {
        poll = response
        if (waiting.length > 0) send([])
      } else {
        for (const { type, data } of decodePayload(await text(request))) {
          const packet = type === EnginePacketType.MESSAGE ? reader.push(data) : undefined
          if (packet !== undefined) receive(packet)
        }
        response.end('ok')
      }
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/posts`
    const client = (connect as typeof io)(url, {
      transports: ['polling'],
      reconnection: false,
      auth: { token: 'ü' },
      ...parser,
    })
    try {
      const told = new Promise((resolve) => client.on('told', (...args: unknown[]) => resolve(args)))
      const picture = Buffer.from([0, 30, 255, 10])
      expect(await client.timeout(5_000).emitWithAck('draw', { picture, by: ['ana'] })).toEqual({
        picture,
        by: ['ana'],
      })
      expect(await told).toEqual([{ picture, by: ['ana'] }, 'k.1'])
      client.disconnect()
      await until(() => inbound.length === 3, { what: 'the goodbye' })
      expect(inbound).toEqual([
        { type: 0, namespace: '/posts', auth: { token: 'ü' } },
        { type: 2, namespace: '/posts', id: 0, name: 'draw', args: [{ picture, by: ['ana'] }], depth: 2 },
        { type: 1, namespace: '/posts' },
      ])
    } finally {
      client.disconnect()
      server.close()
      server.closeAllConnections()
    }
  },
)

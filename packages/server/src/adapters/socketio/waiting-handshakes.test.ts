/** A handshake in line: what its client does meanwhile, and what comes of it. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { type Duplex, duplexPair, PassThrough } from 'node:stream'
import { describe, expect, it } from 'vitest'
import { until } from '../../engine/testing/until.ts'
import { WaitingPoll, WaitingUpgrade } from './waiting-handshakes.ts'

const request = { rawHeaders: ['Host', 'x'.repeat(1_000)], url: '/socket.io/' } as unknown as IncomingMessage

function open() {
  const [socket, client] = duplexPair()
  const entered: Buffer[] = []
  const refused: string[] = []
  const waiting = new WaitingUpgrade(request, socket, Buffer.from('head '), {
    enter: (early) => entered.push(early),
    refuse: () => refused.push('refused'),
  })
  return { socket, client, entered, refused, waiting }
}

const listenersOf = (socket: Duplex) =>
  ['data', 'end', 'close'].map((event) => socket.listeners(event).filter((each) => isOurs(each)).length)

/** Streams have listeners of their own. */
const isOurs = (listener: unknown) => /isGone|earlyBytes/.test(String(listener))

describe('an upgrade that waits', () => {
  it('says how much it keeps', () => {
    const { waiting } = open()
    expect(waiting.bytes).toBeGreaterThan(8_000 + 1_000)
    expect(waiting.bytes).toBeLessThan(11_000)
  })

  it('hands on what came with it and after it, in order, and listens no more', async () => {
    const { socket, client, waiting, entered } = open()
    client.write('one ')
    client.write('two')
    await until(() => socket.readableLength === 0 && client.writableLength === 0)
    expect(listenersOf(socket)).toEqual([1, 1, 1])
    waiting.enter()
    expect(entered.map(String)).toEqual(['head one two'])
    expect(listenersOf(socket)).toEqual([0, 0, 0])
    const later: string[] = []
    socket.on('data', (chunk: Buffer) => later.push(chunk.toString()))
    client.write('three')
    await until(() => later.length === 1)
    expect(later).toEqual(['three'])
  })

  it('is gone when its client ends, and its socket with it', async () => {
    const { socket, client, waiting } = open()
    client.end()
    await until(() => waiting.isGone)
    expect(socket.destroyed).toBe(true)
  })

  it('is gone when its socket is cut', async () => {
    const { socket, waiting } = open()
    socket.destroy()
    await until(() => waiting.isGone)
  })

  it('is cut when it says a lot before it is in', async () => {
    const { socket, client, waiting } = open()
    client.on('error', () => undefined)
    for (let n = 0; n < 4; n += 1) client.write(Buffer.alloc(1_024))
    await until(() => client.writableLength === 0)
    expect(waiting.isGone).toBe(false)
    client.write('x')
    await until(() => waiting.isGone)
    expect(socket.destroyed).toBe(true)
  })

  it('is refused without listening on', () => {
    const { socket, waiting, refused } = open()
    waiting.refuse()
    expect(refused).toEqual(['refused'])
    expect(listenersOf(socket)).toEqual([0, 0, 0])
  })
})

describe('a poll that waits', () => {
  it('is gone when its answer has nowhere to go', async () => {
    const response = new PassThrough()
    const waiting = new WaitingPoll(request, response as unknown as ServerResponse, {
      enter: () => undefined,
      refuse: () => undefined,
    })
    expect(waiting.isGone).toBe(false)
    response.destroy()
    await until(() => waiting.isGone)
  })
})

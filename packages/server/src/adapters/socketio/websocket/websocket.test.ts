/** With the client of the package `ws`, and with bare sockets, over a real HTTP server. */
import { once } from 'node:events'
import { afterEach, describe, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import { until } from '../../../engine/testing/until.ts'
import { closeFrame, textFrame } from './frames.ts'
import { clientClose, clientFragments, clientFrame } from './testing/client-frames.ts'
import { type EchoServer, startEchoServer } from './testing/echo-server.ts'
import { SeededRandom } from './testing/random.ts'
import { RawClient } from './testing/raw-client.ts'

let server: EchoServer
let client: WebSocket

afterEach(async () => {
  client?.terminate()
  await server[Symbol.asyncDispose]()
})

type ClientDeflate = NonNullable<WebSocket.ClientOptions['perMessageDeflate']>

async function connect(
  options: { deflate: boolean; maxPayloadBytes?: number },
  perMessageDeflate: ClientDeflate,
): Promise<string> {
  server = await startEchoServer(options)
  client = new WebSocket(`ws://127.0.0.1:${server.port}/`, { perMessageDeflate })
  await once(client, 'open')
  return client.extensions
}

async function echo(message: string | Buffer): Promise<boolean> {
  client.send(message)
  const [data, isBinary] = (await once(client, 'message')) as [Buffer, boolean]
  return isBinary === (typeof message !== 'string') && data.equals(Buffer.from(message as string))
}

const sizes = [0, 1, 125, 126, 65_535, 65_536, 1_048_576]

/** The characters at the borders of the encoding. */
const manyCharacters = [0, 0x7f, 0x80, 0x7ff, 0x800, 0xd7ff, 0xe000, 0xfffd, 0xffff, 0x1_0000, 0x10_ffff]
  .map((code) => String.fromCodePoint(code))
  .join('')

describe.each<[string, boolean, ClientDeflate, string]>([
  ['without compression', false, true, ''],
  ['declined by the client', true, false, ''],
  ['compressed', true, { threshold: 0 }, 'permessage-deflate'],
  [
    'compressed with small windows',
    true,
    { threshold: 0, clientMaxWindowBits: 9, serverMaxWindowBits: 13, zlibDeflateOptions: { memLevel: 1 } },
    'permessage-deflate',
  ],
])('the client of ws, %s', (_, deflate, clientDeflate, extensions) => {
  it('gets back text and bytes of every size class', async () => {
    expect(await connect({ deflate }, clientDeflate)).toBe(extensions)
    const noise = new SeededRandom(8).bytes(65_537)
    for (const size of sizes) {
      expect(await echo('a'.repeat(size)), `${size} characters`).toBe(true)
      expect(await echo(Buffer.alloc(size, '{"id":"4711"},')), `${size} bytes`).toBe(true)
      expect(await echo(noise.subarray(0, size)), `${size} bytes of noise`).toBe(true)
    }
  })

  it('gets back text of every kind', async () => {
    await connect({ deflate }, clientDeflate)
    for (const count of [1, 4, 100, 5000]) {
      for (const text of ['é', '€', '😀', manyCharacters, `a${manyCharacters}`]) {
        expect(await echo(text.repeat(count))).toBe(true)
      }
    }
    // Half a character is replaced by whoever encodes it, here the client.
    client.send('\ud800')
    const [data] = (await once(client, 'message')) as [Buffer]
    expect(data.toString()).toBe('\ufffd')
  })

  it('sends in fragments and gets the whole, pings in between included', async () => {
    await connect({ deflate }, clientDeflate)
    for (const fragments of [
      ['a', 'b'],
      ['', ''],
      ['', 'x', ''],
      ['é'.repeat(3000), '', '€'.repeat(70_000)],
    ]) {
      const message = once(client, 'message') as Promise<[Buffer]>
      const pong = once(client, 'pong') as Promise<[Buffer]>
      fragments.forEach((fragment, index) => {
        if (index === 1) client.ping('between')
        client.send(fragment, { fin: index === fragments.length - 1 })
      })
      expect((await pong)[0].toString()).toBe('between')
      expect((await message)[0].toString()).toBe(fragments.join(''))
    }
    client.pong('unasked')
    await until(() => server.heard.some(([kind]) => kind === 'pong'))
  })

  it('gets many messages back in their order', async () => {
    await connect({ deflate }, clientDeflate)
    const received: string[] = []
    client.on('message', (data: Buffer) => received.push(data.toString()))
    const sent = Array.from({ length: 500 }, (_, index) => `${index}:${'ä'.repeat((index * 37) % 3000)}`)
    for (const message of sent) client.send(message)
    await until(() => received.length === sent.length)
    expect(received.every((message, index) => message === sent[index])).toBe(true)
  })

  it.each<[number | undefined, string, number]>([
    [1000, 'bye €', 1000],
    [4999, '', 4999],
    [undefined, '', 1005],
  ])('closes with %s "%s" and is answered', async (code, reason, heard) => {
    await connect({ deflate }, clientDeflate)
    client.close(code, reason)
    const [answered] = (await once(client, 'close')) as [number]
    expect(answered).toBe(heard)
    expect(server.heard).toEqual([['close', heard, reason]])
  })

  it('is told 1009 when its message is longer than the limit', async () => {
    await connect({ deflate, maxPayloadBytes: 1000 }, clientDeflate)
    expect(await echo('a'.repeat(1000))).toBe(true)
    expect(await echo(new SeededRandom(9).bytes(1000))).toBe(true)
    client.send('a'.repeat(1001))
    expect(await once(client, 'close')).toEqual([1009, Buffer.from('A message is longer than the limit.')])
  })
})

it('a client whose window is smaller than ours does without compression', async () => {
  server = await startEchoServer({ deflate: true })
  client = new WebSocket(`ws://127.0.0.1:${server.port}/`, { perMessageDeflate: { serverMaxWindowBits: 12 } })
  await once(client, 'open')
  expect(client.extensions).toBe('')
  expect(await echo('a'.repeat(5000))).toBe(true)
})

describe('a bare socket', () => {
  const hello = clientFrame({ opcode: 1, payload: 'hello' })

  it.each<[string, Buffer, number]>([
    ['a frame that is not masked', clientFrame({ opcode: 1, payload: 'x', mask: undefined }), 1002],
    ['a reserved bit', clientFrame({ opcode: 1, reserved: 0x20 }), 1002],
    ['compression nobody agreed on', clientFrame({ opcode: 1, reserved: 0x40 }), 1002],
    ['a reserved opcode', clientFrame({ opcode: 5 }), 1002],
    ['a reserved control opcode', clientFrame({ opcode: 12 }), 1002],
    ['a ping in fragments', clientFrame({ opcode: 9, isLast: false }), 1002],
    ['a ping of 126 bytes', clientFrame({ opcode: 9, payload: Buffer.alloc(126) }), 1002],
    ['a continuation of nothing', clientFrame({ opcode: 0 }), 1002],
    ['a text within a text', Buffer.concat([clientFrame({ opcode: 1, isLast: false }), hello]), 1002],
    ['half a close code', clientFrame({ opcode: 8, payload: 'x' }), 1002],
    ['a close code that may not travel', clientClose(1005), 1002],
    ['a length with the highest bit', clientFrame({ opcode: 2, announced: 2n ** 63n }), 1002],
    ['a close reason that is not UTF-8', clientClose(1000, Buffer.from([0xff])), 1007],
    ['a text that is not UTF-8', clientFrame({ opcode: 1, payload: Buffer.from([0xc3]) }), 1007],
    ['a text that ends within a character', clientFragments(1, Buffer.from('é').subarray(0, 1), 1), 1007],
    ['a message that is too long', clientFrame({ opcode: 2, announced: 1001n }), 1009],
    [
      'empty fragments without end',
      Buffer.concat([
        hello,
        ...Array.from({ length: 70 }, (_, at) => clientFrame({ opcode: at ? 0 : 1, isLast: false })),
      ]).subarray(hello.length),
      1008,
    ],
  ])('that sends %s is heard until then, told the code, and hung up on', async (_, bytes, code) => {
    server = await startEchoServer({ deflate: false, maxPayloadBytes: 1000 })
    for (const chunks of [[Buffer.concat([hello, bytes, hello])], [hello, bytes, hello]]) {
      using socket = await RawClient.open(server.port)
      socket.request()
      expect(await socket.head()).toMatch(/^HTTP\/1\.1 101 /)
      for (const chunk of chunks) socket.send(chunk)
      const received = await socket.rest()
      const violation = server.heard.at(-1)
      expect(violation?.slice(0, 2)).toEqual(['violation', code])
      expect(received).toEqual(Buffer.concat([textFrame('hello'), closeFrame(code, String(violation?.[2]))]))
    }
    expect(server.heard).toHaveLength(2)
  })

  it('may send its first frames together with the request', async () => {
    server = await startEchoServer({ deflate: false })
    using socket = await RawClient.open(server.port)
    socket.request({}, 'GET /x HTTP/1.1', Buffer.concat([hello, hello.subarray(0, 4)]))
    await socket.head()
    expect(await socket.bytes(7)).toEqual(textFrame('hello'))
    socket.send(hello.subarray(4))
    expect(await socket.bytes(14)).toEqual(Buffer.concat([textFrame('hello'), textFrame('hello')]))
  })

  it.each<[string, number, Record<string, string>, string]>([
    ['version 8', 426, { 'Sec-WebSocket-Version': '8' }, 'GET /x HTTP/1.1'],
    ['a short key', 400, { 'Sec-WebSocket-Key': 'dGhl' }, 'GET /x HTTP/1.1'],
    ['another protocol', 400, { Upgrade: 'h2c' }, 'GET /x HTTP/1.1'],
    ['HTTP/1.0', 400, {}, 'GET /x HTTP/1.0'],
    ['POST', 405, {}, 'POST /x HTTP/1.1'],
    ['broken extensions', 400, { 'Sec-WebSocket-Extensions': 'permessage-deflate;' }, 'GET /x HTTP/1.1'],
  ])('that asks with %s is answered with %i and hung up on', async (_, status, headers, first) => {
    server = await startEchoServer({ deflate: true })
    using socket = await RawClient.open(server.port)
    socket.request(headers, first)
    expect(await socket.head()).toMatch(new RegExp(`^HTTP/1.1 ${status} `))
    expect((await socket.rest()).length).toBeGreaterThan(20)
  })

  it('with several headers for extensions gets the first that is possible', async () => {
    server = await startEchoServer({ deflate: true })
    using socket = await RawClient.open(server.port)
    socket.request({
      'Sec-WebSocket-Extensions': 'x-webkit-deflate-frame, permessage-deflate; server_max_window_bits=9',
      'sec-websocket-extensions': 'permessage-deflate; server_max_window_bits=14',
    })
    expect(await socket.head()).toContain(
      'Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover; client_no_context_takeover; server_max_window_bits=14\r\n',
    )
  })
})

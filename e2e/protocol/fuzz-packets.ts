/** Packets for attackers: right ones, right ones with mistakes, and none at all. */
import { Encoder } from 'socket.io-msgpack-parser'
import { pick, type Random, whole } from './random.ts'

const placeholder = '{"_placeholder":true,"num":0}'

/** What honest clients say, as Socket.IO packets. */
const rightPackets = [
  '0/posts,{"token":"x"}',
  '0/news,{"token":"x","pid":"abc","offset":"abc.1"}',
  '0',
  '0/nowhere,',
  '1/posts,',
  '1',
  '2/posts,["post:view",{"id":"a"}]',
  '2/posts,17["post:view",{"id":"a","tags":["b","c"]}]',
  '2/posts,1["room:join",{"room":{"kind":"thread","id":"a"}}]',
  '2/posts,2["room:leave",{"room":{"kind":"thread","id":"a"}}]',
  '2/posts,3["post:tree",{"tree":[[[[{"a":[1,2,3]}]]]]}]',
  '2/posts,4["post:view",{"id":"a","_meta":{"key":"k"}}]',
  '2/news,5["news:ask"]',
  '3/posts,1[{"ok":true}]',
  '3/posts,2[]',
  `51-/posts,6["post:draw",{"image":${placeholder}}]`,
  `52-/posts,["post:draw",{"image":${placeholder},"more":{"_placeholder":true,"num":1}}]`,
  `61-/posts,1[${placeholder}]`,
]

/** The same as MessagePack. */
const rightObjects = [
  { type: 0, nsp: '/posts', data: { token: 'x' } },
  { type: 0, nsp: '/' },
  { type: 1, nsp: '/posts' },
  { type: 2, nsp: '/posts', data: ['post:view', { id: 'a' }], id: 17 },
  { type: 2, nsp: '/posts', data: ['post:draw', { image: Buffer.from([1, 2, 3]) }], id: 1 },
  { type: 2, nsp: '/posts', data: ['post:tree', { tree: [[[[{ a: [1, 2.5, -7, 2 ** 40, null, true] }]]]] }] },
  { type: 2, nsp: '/posts', data: ['room:join', { room: { kind: 'thread', id: 'a' } }], id: 2 },
  { type: 3, nsp: '/posts', data: [{ ok: true }], id: 1 },
  { type: 4, nsp: '/posts', data: { message: 'x' } },
]
const encoder = new Encoder()
/** Its types say otherwise, but it makes a list of bytes. */
const encoded = (packet: object): Buffer => Buffer.concat(encoder.encode(packet) as unknown as Uint8Array[])

/** Lets somebody in, in either encoding, as an Engine.IO packet. */
export const connectPacket = (parser: 'default' | 'msgpack', token: string): string | Buffer =>
  parser === 'default'
    ? `40/posts,${JSON.stringify({ token })}`
    : encoded({ type: 0, nsp: '/posts', data: { token } })

export const recordOf = (packet: string | Buffer): string =>
  typeof packet === 'string' ? packet : `b${packet.toString('base64')}`

const enginePackets = ['1', '2', '2probe', '3', '3probe', '4', '5', '6', '0{}', '']

/** What breaks readers: signs of the protocol, numbers at an edge, pieces of JSON, characters of all lengths. */
const splinters = [
  ...[
    '/',
    ',',
    '-',
    '[',
    ']',
    '{',
    '}',
    '"',
    '\\',
    ':',
    '\x1e',
    '\0',
    ' ',
    '\n',
    'b',
    '4',
    '0',
    '9',
    'e',
    '.',
  ],
  ...['99999999999999999999', '-1', '9007199254740993', '1e999', '0x10', '007', '٣'],
  ...[
    '"__proto__"',
    '"constructor"',
    '"_placeholder"',
    'null',
    'true',
    '\\u0000',
    '\\ud800',
    '\ud83d',
    'é',
    '🔔',
  ],
  ...['[[[[[[[[[[', ']]]]]]]]]]', '{"a":', '"'.repeat(9), '{"_placeholder":true,"num":-1}', 'x'.repeat(300)],
]

export function anyText(random: Random): string {
  const chance = random()
  if (chance < 0.25) return `4${pick(random, rightPackets)}`
  if (chance < 0.4) return pick(random, enginePackets)
  if (chance < 0.85) return mutated(random, `4${pick(random, rightPackets)}`)
  return Array.from({ length: whole(random, 12) }, () => pick(random, splinters)).join('')
}

export function anyBytes(random: Random): Buffer {
  if (random() < 0.7) return mutatedBytes(random, encoded(pick(random, rightObjects)))
  const length = random() < 0.1 ? whole(random, 30_000) : whole(random, 40)
  return Buffer.from(Array.from({ length }, () => whole(random, 256)))
}

export function anyPacket(random: Random, parser: 'default' | 'msgpack'): string | Buffer {
  return random() < (parser === 'msgpack' ? 0.7 : 0.12) ? anyBytes(random) : anyText(random)
}

export function mutated(random: Random, text: string): string {
  let changed = text
  for (let times = 1 + whole(random, 3); times > 0; times -= 1) {
    const at = whole(random, changed.length + 1)
    const chance = random()
    if (chance < 0.4) changed = changed.slice(0, at) + pick(random, splinters) + changed.slice(at)
    else if (chance < 0.6) changed = changed.slice(0, at) + changed.slice(at + 1 + whole(random, 4))
    else if (chance < 0.75) changed = changed.slice(0, at)
    else if (chance < 0.9)
      changed = changed.slice(0, at) + pick(random, rightPackets).slice(whole(random, 20))
    else changed += changed.slice(at)
  }
  return changed
}

function mutatedBytes(random: Random, bytes: Buffer): Buffer {
  let changed = bytes
  for (let times = whole(random, 4); times > 0 && changed.length > 0; times -= 1) {
    const at = whole(random, changed.length)
    const chance = random()
    // Small numbers, lengths that are too long, and every kind of value begin with some byte.
    if (chance < 0.5) changed = changed.with(at, whole(random, 256)) as Buffer
    else if (chance < 0.7) changed = Buffer.concat([changed.subarray(0, at), changed.subarray(at + 1)])
    else if (chance < 0.85) changed = changed.subarray(0, at)
    else changed = Buffer.concat([changed.subarray(0, at), encoded(pick(random, rightObjects))])
  }
  return Buffer.from(changed)
}

/** A body of polling. */
export function anyBody(random: Random, parser: 'default' | 'msgpack'): string {
  const records = Array.from({ length: 1 + whole(random, 4) }, () => {
    const record = recordOf(anyPacket(random, parser))
    return record.startsWith('b') && random() < 0.2 ? mutated(random, record) : record
  })
  return records.join(random() < 0.95 ? '\x1e' : pick(random, splinters))
}

/** The query of a request; the ids are of other attackers. */
export function anyQuery(random: Random, sids: readonly string[]): string {
  const fields = [
    `EIO=${pick(random, ['4', '4', '4', '3', '', '04', '4%00', 'x'])}`,
    `transport=${pick(random, ['polling', 'polling', 'websocket', 'webtransport', '', '__proto__', 'Polling'])}`,
    ...(random() < 0.6
      ? [`sid=${pick(random, [...sids, 'nobody', '', '__proto__', 'x'.repeat(400), '%ff%fe'])}`]
      : []),
    ...(random() < 0.2 ? [`t=${whole(random, 1e6)}`, 'b64=1', 'j=1', 'sid=twice'] : []),
  ]
  const query = fields.filter(() => random() < 0.93).join('&')
  return random() < 0.15 ? mutated(random, query).replace(/[^\x21-\x7e]/g, '%') : query
}

/** A whole request as it travels, not always a right one. */
export function anyRequest(random: Random, sids: readonly string[]): string {
  const method = pick(random, ['GET', 'GET', 'POST', 'POST', 'OPTIONS', 'PUT', 'DELETE', 'HEAD', 'PATCH'])
  const path = pick(random, [
    '/socket.io/',
    '/socket.io/',
    '/socket.io',
    '/socket.io/x',
    '//socket.io/',
    '/socket.io/../',
  ])
  const body =
    method === 'GET'
      ? ''
      : Buffer.from(anyBody(random, pick(random, ['default', 'msgpack'] as const))).toString('latin1')
  const upgrade = random() < 0.25
  const lines = [
    `${method} ${path}?${anyQuery(random, sids)} HTTP/1.1`,
    'Host: here',
    ...(random() < 0.15
      ? [`Origin: ${pick(random, ['null', 'https://elsewhere.example', 'http://here', 'x'])}`]
      : []),
    ...(upgrade
      ? [
          `Connection: ${pick(random, ['Upgrade', 'upgrade, keep-alive', 'close'])}`,
          `Upgrade: ${pick(random, ['websocket', 'WebSocket', 'h2c', ''])}`,
          `Sec-WebSocket-Version: ${pick(random, ['13', '13', '8', ''])}`,
          `Sec-WebSocket-Key: ${pick(random, ['AAAAAAAAAAAAAAAAAAAAAA==', 'short', ''])}`,
          ...(random() < 0.5
            ? [
                `Sec-WebSocket-Extensions: ${pick(random, ['permessage-deflate', 'permessage-deflate; server_max_window_bits=8', ';;,', 'x; y="'])}`,
              ]
            : []),
        ]
      : []),
    ...(body === ''
      ? []
      : random() < 0.15
        ? ['Transfer-Encoding: chunked']
        : [`Content-Length: ${random() < 0.85 ? body.length : whole(random, 50_000)}`]),
  ]
  return `${lines.join('\r\n')}\r\n\r\n${body}`
}

/**
 * The cases by which WebSocket servers are commonly compared, numbered as in the suite of the Autobahn project:
 * sections 1 to 7, 9 in small, and of 12 and 13 a sample. The server echoes messages and answers pings; what the
 * reader tells it is what would be echoed.
 */
import { constants, deflateRawSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { clientClose, clientFragments, clientFrame, deflatedBit } from './testing/client-frames.ts'
import { type Heard, pieces, readAll } from './testing/recording.ts'

type Case = [number: string, what: string, bytes: Buffer, expected: readonly Heard[]]

const text = (payload: string | Uint8Array, isLast = true) => clientFrame({ opcode: 1, payload, isLast })
const binary = (payload: string | Uint8Array, isLast = true) => clientFrame({ opcode: 2, payload, isLast })
const more = (payload: string | Uint8Array, isLast = true) => clientFrame({ opcode: 0, payload, isLast })
const ping = (payload: string | Uint8Array = '') => clientFrame({ opcode: 9, payload })
const pong = (payload: string | Uint8Array = '') => clientFrame({ opcode: 10, payload })
const hex = (payload: string | Uint8Array) => Buffer.from(payload as string).toString('hex')

const sequence = (...frames: Buffer[]) => Buffer.concat(frames)
const refused = (code: number, reason: string): Heard => ['violation', code, reason]

const reservedBits = refused(1002, 'A frame has a reserved bit set.')
const reservedOpcode = refused(1002, 'A frame has an opcode without a meaning.')
const controlFragmented = refused(1002, 'A control frame is fragmented.')
const controlLength = refused(1002, 'A control frame is longer than 125 bytes.')
const continuation = refused(1002, 'A fragment continues no message.')
const interrupted = refused(1002, 'A message begins before the one before it has ended.')
const closeCode = refused(1002, 'A close frame has a code that may not travel.')
const notUtf8 = refused(1007, 'A text is not UTF-8.')
const hello: Heard = ['text', 'Hello']

const kilo = 1024

const framing: Case[] = [0, 125, 126, 127, 128, 65_535, 65_536].flatMap((size, index): Case[] => [
  [`1.1.${index + 1}`, `text of ${size}`, text('*'.repeat(size)), [['text', '*'.repeat(size)]]],
  [
    `1.2.${index + 1}`,
    `binary of ${size}`,
    binary(Buffer.alloc(size, 0xfe)),
    [['binary', 'fe'.repeat(size)]],
  ],
])

const pings: Case[] = [
  ['2.1', 'without payload', ping(), [['ping', '']]],
  ['2.2', 'with a small text', ping('Hello'), [['ping', hex('Hello')]]],
  [
    '2.3',
    'with bytes',
    ping(Buffer.from([0, 255, 254, 253, 252, 251, 0, 255])),
    [['ping', '00fffefdfcfb00ff']],
  ],
  ['2.4', 'with 125 bytes', ping(Buffer.alloc(125, 0xfe)), [['ping', 'fe'.repeat(125)]]],
  ['2.5', 'with 126 bytes', ping(Buffer.alloc(126, 0xfe)), [controlLength]],
  ['2.7', 'a pong nobody asked for', pong(), [['pong']]],
  ['2.8', 'a pong with payload', pong('unasked'), [['pong']]],
  ['2.9', 'a pong, then a ping', sequence(pong('unasked'), ping('p')), [['pong'], ['ping', hex('p')]]],
  [
    '2.10',
    'ten',
    sequence(...Array.from({ length: 10 }, (_, index) => ping(`${index}`))),
    Array.from({ length: 10 }, (_, index): Heard => ['ping', hex(`${index}`)]),
  ],
]

const reserved: Case[] = [
  ...[0x10, 0x20, 0x30, 0x40, 0x50, 0x60, 0x70].map(
    (bits, index): Case => [
      `3.${index + 1}`,
      `reserved bits ${bits >> 4}`,
      sequence(text('Hello'), clientFrame({ opcode: 1, payload: 'x', reserved: bits }), ping()),
      [hello, reservedBits],
    ],
  ),
  ...[0x10, 0x20, 0x40].map(
    (bits): Case => ['3.6', 'on a ping', clientFrame({ opcode: 9, reserved: bits }), [reservedBits]],
  ),
  ['3.7', 'on a close', clientFrame({ opcode: 8, reserved: 0x40 }), [reservedBits]],
  ...[3, 4, 5, 6, 7].map(
    (opcode): Case => [
      `4.1.${opcode - 2}`,
      `opcode ${opcode}`,
      sequence(text('Hello'), clientFrame({ opcode, payload: 'x' }), ping()),
      [hello, reservedOpcode],
    ],
  ),
  ...[11, 12, 13, 14, 15].map(
    (opcode): Case => [
      `4.2.${opcode - 10}`,
      `opcode ${opcode}`,
      sequence(text('Hello'), clientFrame({ opcode }), ping()),
      [hello, reservedOpcode],
    ],
  ),
]

const fragmentation: Case[] = [
  [
    '5.1',
    'a ping in fragments',
    clientFrame({ opcode: 9, payload: 'a', isLast: false }),
    [controlFragmented],
  ],
  [
    '5.2',
    'a pong in fragments',
    clientFrame({ opcode: 10, payload: 'a', isLast: false }),
    [controlFragmented],
  ],
  ['5.3', 'text in two', sequence(text('Hel', false), more('lo')), [hello]],
  ['5.6', 'a ping between', sequence(text('Hel', false), ping('p'), more('lo')), [['ping', '70'], hello]],
  ['5.9', 'a fragment of nothing', sequence(more('x'), text('Hello')), [continuation]],
  ['5.12', 'a fragment of nothing, not the last', sequence(more('x', false), text('Hello')), [continuation]],
  ['5.15', 'one too many', sequence(text('Hel', false), more('lo'), more('x', false)), [hello, continuation]],
  ['5.18', 'text within text', sequence(text('a', false), text('b')), [interrupted]],
  ['5.18', 'bytes within text', sequence(text('a', false), binary('b')), [interrupted]],
  [
    '5.19',
    'five fragments and two pings',
    sequence(
      text('1', false),
      more('2', false),
      ping('a'),
      more('3', false),
      more('4', false),
      ping('b'),
      more('5'),
    ),
    [
      ['ping', '61'],
      ['ping', '62'],
      ['text', '12345'],
    ],
  ],
]

const goodUtf8 = [
  'Hello-µ@ßöäüàá-UTF-8!!',
  'κόσμε',
  '\u0000',
  '\u0080',
  '\u0800',
  '\u{10000}',
  '\u007f',
  '\u07ff',
  '\uffff',
  '\u{10ffff}',
  '\ud7ff',
  '\ue000',
  '\ufffd',
  '\ufffe',
  '\u{1fffe}',
]
const badUtf8 = [
  'cebae1bdb9cf83cebcceb5eda080656469746564',
  'f8888080 80',
  'fc8480808080',
  'f7bfbfbf',
  'fbbfbfbfbf',
  'fdbfbfbfbfbf',
  'f4908080',
  '80',
  'bf',
  '80bf80bf80',
  'c020c1 20',
  'e020ef20',
  'c0',
  'e080',
  'f08080',
  'f8808080',
  'dfc0',
  'efbf',
  'f7bfbf',
  'fe',
  'ff',
  'fefeffff',
  'c0af',
  'e080af',
  'f08080af',
  'c1bf',
  'e09fbf',
  'f08fbfbf',
  'c080',
  'eda080',
  'edafbf',
  'edb080',
  'edbfbf',
  'eda080edb080',
].map((bytes) => Buffer.from(bytes.replaceAll(' ', ''), 'hex'))

const utf8: Case[] = [
  ['6.1.1', 'an empty text', text(''), [['text', '']]],
  ['6.1.2', 'three empty fragments', sequence(text('', false), more('', false), more('')), [['text', '']]],
  ['6.1.3', 'empty around something', sequence(text('', false), more('x', false), more('')), [['text', 'x']]],
  ...goodUtf8.flatMap((payload, index): Case[] => [
    [`6.2.${index + 1}`, `good, whole`, text(payload), [['text', payload]]],
    [
      `6.2.${index + 1}`,
      `good, byte by byte`,
      clientFragments(1, Buffer.from(payload), 1),
      [['text', payload]],
    ],
  ]),
  ...badUtf8.flatMap((payload, index): Case[] => [
    [`6.3.${index + 1}`, `bad, whole`, sequence(text(payload), text('x')), [notUtf8]],
    [`6.3.${index + 1}`, `bad, byte by byte`, clientFragments(1, payload, 1), [notUtf8]],
  ]),
]

const close: Case[] = [
  ['7.1.1', 'after a message', sequence(text('Hello'), clientClose(1000)), [hello, ['close', 1000, '']]],
  ['7.1.2', 'twice', sequence(clientClose(1000), clientClose(1000)), [['close', 1000, '']]],
  ['7.1.3', 'and then a ping', sequence(clientClose(1000), ping()), [['close', 1000, '']]],
  ['7.1.4', 'and then a text', sequence(clientClose(1000), text('x')), [['close', 1000, '']]],
  [
    '7.1.5',
    'within fragments',
    sequence(text('x', false), clientClose(1000), more('y')),
    [['close', 1000, '']],
  ],
  [
    '7.1.6',
    'behind much',
    sequence(text('B'.repeat(256 * kilo)), clientClose(1000), ping()),
    [
      ['text', 'B'.repeat(256 * kilo)],
      ['close', 1000, ''],
    ],
  ],
  ['7.3.1', 'empty', clientFrame({ opcode: 8 }), [['close', 1005, '']]],
  [
    '7.3.2',
    'of one byte',
    clientFrame({ opcode: 8, payload: 'a' }),
    [refused(1002, 'A close frame has half a code.')],
  ],
  ['7.3.3', 'of two bytes', clientClose(1000), [['close', 1000, '']]],
  ['7.3.4', 'with a reason', clientClose(1000, 'Hello €'), [['close', 1000, 'Hello €']]],
  ['7.3.5', 'with 123 bytes', clientClose(1000, '*'.repeat(123)), [['close', 1000, '*'.repeat(123)]]],
  ['7.3.6', 'with 124 bytes', clientClose(1000, '*'.repeat(124)), [controlLength]],
  ...badUtf8.map(
    (reason): Case => [
      '7.5.1',
      'with a reason that is not UTF-8',
      clientClose(1000, reason),
      [refused(1007, 'A close frame has a reason that is not UTF-8.')],
    ],
  ),
  ...[1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999].map(
    (code, index): Case => [`7.7.${index + 1}`, `code ${code}`, clientClose(code), [['close', code, '']]],
  ),
  ...[0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65_535].map(
    (code, index): Case => [`7.9.${index + 1}`, `code ${code}`, clientClose(code, 'why'), [closeCode]],
  ),
  ['7.x', 'in fragments', clientFrame({ opcode: 8, isLast: false }), [controlFragmented]],
  [
    '7.x',
    'not masked',
    clientFrame({ opcode: 8, mask: undefined }),
    [refused(1002, 'A frame is not masked.')],
  ],
]

const large: Case[] = [1, 4, 64].flatMap((size): Case[] => {
  const payload = 'ö*'.repeat((size * kilo) / 4) + '+'.repeat((size * kilo) / 4)
  const bytes = Buffer.from(payload)
  return [
    [`9.1`, `text of ${size} KiB`, text(payload), [['text', payload]]],
    [`9.2`, `binary of ${size} KiB`, binary(bytes), [['binary', hex(bytes)]]],
    ...[64, 256, kilo, 16 * kilo].flatMap((fragment): Case[] => [
      [`9.3`, `text of ${size} KiB in ${fragment}`, clientFragments(1, bytes, fragment), [['text', payload]]],
      [
        `9.4`,
        `binary of ${size} KiB in ${fragment}`,
        clientFragments(2, bytes, fragment),
        [['binary', hex(bytes)]],
      ],
    ]),
  ]
})

const compressed: Case[] = [16, 64, 256, kilo, 4 * kilo, 32 * kilo, 128 * kilo].flatMap((size): Case[] => {
  const payload = '{"id":"8e1f","text":"Gruß","list":[1,2,3]},'.repeat(size / 16).slice(0, size)
  return [9, 12, 15].flatMap((windowBits): Case[] => {
    const deflated = deflate(Buffer.from(payload), windowBits)
    const opcode = 1
    return [
      [
        '12.1',
        `${size} characters, window ${windowBits}`,
        clientFrame({ opcode, payload: deflated, reserved: deflatedBit }),
        [['text', payload]],
      ],
      [
        '13.1',
        `${size} characters, window ${windowBits}, in fragments`,
        clientFragments(opcode, deflated, Math.ceil(deflated.length / 3), deflatedBit),
        [['text', payload]],
      ],
    ]
  })
})

const negotiated: Case[] = [
  ['13.x', 'compressed and not, in turns', turns(), [hello, hello, hello]],
  [
    '13.x',
    'the bit on a fragment that is not the first',
    sequence(text('a', false), clientFrame({ opcode: 0, payload: 'b', reserved: deflatedBit })),
    [reservedBits],
  ],
  ['13.x', 'the bit on a ping', clientFrame({ opcode: 9, reserved: deflatedBit }), [reservedBits]],
  [
    '13.x',
    'a text that is not UTF-8 when inflated',
    clientFrame({ opcode: 1, payload: deflate(Buffer.from([0x61, 0xff])), reserved: deflatedBit }),
    [notUtf8],
  ],
  [
    '13.x',
    'what is no deflated data',
    clientFrame({ opcode: 1, payload: 'Hello', reserved: deflatedBit }),
    [refused(1007, 'A compressed message cannot be inflated.')],
  ],
  [
    '13.x',
    'a bomb',
    clientFrame({ opcode: 2, payload: deflate(Buffer.alloc(32_000_000)), reserved: deflatedBit }),
    [refused(1009, 'A message is longer than the limit.')],
  ],
]

describe.each([
  ['1 framing', framing, false],
  ['2 pings and pongs', pings, false],
  ['3 reserved bits, 4 opcodes', reserved, false],
  ['5 fragmentation', fragmentation, false],
  ['6 UTF-8', utf8, false],
  ['7 close', close, false],
  ['9 large', large, false],
  ['12 compressed', compressed, true],
  ['13 negotiated', negotiated, true],
])('section %s', (_, cases, deflate) => {
  it.each(cases)('%s %s', (_number, _what, bytes, expected) => {
    expect(readAll([bytes], { deflate })).toEqual(expected)
    // The suite sends many of its cases a second time in small pieces.
    const size = bytes.length < 2000 ? 1 : Math.ceil(bytes.length / 997)
    expect(readAll(pieces(bytes, size), { deflate })).toEqual(expected)
  })
})

function turns(): Buffer {
  const payload = deflate(Buffer.from('Hello'))
  return sequence(
    clientFrame({ opcode: 1, payload, reserved: deflatedBit }),
    text('Hello'),
    clientFrame({ opcode: 1, payload, reserved: deflatedBit }),
  )
}

function deflate(bytes: Buffer, windowBits = 15): Buffer {
  return deflateRawSync(bytes, { windowBits, finishFlush: constants.Z_SYNC_FLUSH }).subarray(0, -4)
}

import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'
import { describe, expect, it } from 'vitest'
import { parseExtensionOffers } from './extension-offers.ts'
import { answerUpgrade, type UpgradeAnswer } from './handshake.ts'

const good: IncomingHttpHeaders = {
  upgrade: 'websocket',
  connection: 'Upgrade',
  'sec-websocket-version': '13',
  'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
}

const unilateral = 'permessage-deflate; server_no_context_takeover; client_no_context_takeover'

describe('the answer', () => {
  it('is the one of the example in RFC 6455', () => {
    expect(answer()).toEqual({
      accepted: true,
      deflate: false,
      head: [
        'HTTP/1.1 101 Switching Protocols',
        'Upgrade: websocket',
        'Connection: Upgrade',
        'Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=',
        '\r\n',
      ].join('\r\n'),
    })
  })

  it.each<[string, IncomingHttpHeaders]>([
    ['other letters', { upgrade: 'WebSocket', connection: 'UPGRADE' }],
    ['a list of connection options', { connection: 'keep-alive, Upgrade' }],
    ['a list without spaces', { connection: 'keep-alive,upgrade,x' }],
    ['a list of protocols', { upgrade: 'h2c , websocket' }],
    ['a subprotocol, which is not answered', { 'sec-websocket-protocol': 'chat' }],
  ])('accepts %s', (_, headers) => {
    const given = answer({ headers })
    expect(given.accepted).toBe(true)
    expect(given.head).not.toContain('Protocol:')
    expect(given.head).toContain('s3pPLMBiTxaQ9kYGzzhZRbK+xOo=')
  })

  it.each<[string, number, RegExp, Parameters<typeof answer>[0]]>([
    ['another method', 405, /\r\nAllow: GET\r\n/, { method: 'POST' }],
    ['HTTP/1.0', 400, /HTTP\/1\.1\.$/, { httpVersionMinor: 0 }],
    ['HTTP/0.9', 400, /HTTP\/1\.1\.$/, { httpVersionMajor: 0, httpVersionMinor: 9 }],
    ['HTTP/2', 400, /HTTP\/1\.1\.$/, { httpVersionMajor: 2, httpVersionMinor: 1 }],
    ['no upgrade', 400, /Upgrade/, { headers: { upgrade: undefined } }],
    ['another upgrade', 400, /Upgrade/, { headers: { upgrade: 'h2c' } }],
    ['a longer word', 400, /Upgrade/, { headers: { upgrade: 'websockets' } }],
    ['no connection', 400, /Connection/, { headers: { connection: undefined } }],
    ['another connection option', 400, /Connection/, { headers: { connection: 'keep-alive, upgraded' } }],
    [
      'an old version',
      426,
      /\r\nSec-WebSocket-Version: 13\r\n/,
      { headers: { 'sec-websocket-version': '8' } },
    ],
    ['no version', 426, /Version: 13\r\n/, { headers: { 'sec-websocket-version': undefined } }],
    ['a list of versions', 426, /Version: 13\r\n/, { headers: { 'sec-websocket-version': '13, 8' } }],
    ['a version with a zero', 426, /Version: 13\r\n/, { headers: { 'sec-websocket-version': '013' } }],
    ['no key', 400, /Key/, { headers: { 'sec-websocket-key': undefined } }],
    ['an empty key', 400, /Key/, { headers: { 'sec-websocket-key': '' } }],
    ['15 bytes', 400, /Key/, { headers: { 'sec-websocket-key': 'dGhlIHNhbXBsZSBub25j' } }],
    ['17 bytes', 400, /Key/, { headers: { 'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQE=' } }],
    ['no base64', 400, /Key/, { headers: { 'sec-websocket-key': 'dGhlIHNhbXBsZSBub25j*Q==' } }],
    [
      'two keys',
      400,
      /Key/,
      { headers: { 'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==, dGhlIHNhbXBsZSBub25jZQ==' } },
    ],
    ['base64 of URLs', 400, /Key/, { headers: { 'sec-websocket-key': 'dGhlIHNhbXBsZSBub25j-_==' } }],
    ['extensions against the grammar', 400, /Extensions/, { headers: { 'sec-websocket-extensions': 'a b' } }],
  ])('refuses %s with %i, whole and with a sentence', (_, status, content, request) => {
    const given = answer(request)
    expect(given).toMatchObject({ accepted: false, status })
    expect(given.head).toMatch(content)
    const [head = '', body = ''] = given.head.split('\r\n\r\n')
    expect(head).toMatch(new RegExp(`^HTTP/1\\.1 ${status} [A-Z][A-Za-z ]+\r\n`))
    expect(head).toContain('\r\nConnection: close\r\n')
    expect(head).toContain(`\r\nContent-Length: ${Buffer.byteLength(body)}`)
    expect(body.length).toBeGreaterThan(20)
    expect(given.head).not.toContain('101')
  })
})

describe('compression', () => {
  it.each<[offered: string, answered: string | undefined]>([
    ['permessage-deflate', unilateral],
    ['PerMessage-Deflate', unilateral],
    ['permessage-deflate; client_max_window_bits', unilateral],
    ['permessage-deflate; client_max_window_bits=8', unilateral],
    ['permessage-deflate; client_max_window_bits=15', unilateral],
    ['permessage-deflate; client_max_window_bits="10"', unilateral],
    ['permessage-deflate; client_max_window_bits="1\\0"', unilateral],
    ['permessage-deflate; server_no_context_takeover', unilateral],
    ['permessage-deflate; client_no_context_takeover; server_no_context_takeover', unilateral],
    ['permessage-deflate;server_no_context_takeover;client_max_window_bits=9', unilateral],
    ['permessage-deflate ; server_max_window_bits = 15', `${unilateral}; server_max_window_bits=15`],
    ['permessage-deflate; server_max_window_bits=13', `${unilateral}; server_max_window_bits=13`],
    ['permessage-deflate; server_max_window_bits="14"', `${unilateral}; server_max_window_bits=14`],
    // A client that cannot read the frames that everybody gets.
    ['permessage-deflate; server_max_window_bits=12', undefined],
    ['permessage-deflate; server_max_window_bits=8', undefined],
    ['permessage-deflate; server_max_window_bits=9, permessage-deflate', unilateral],
    // Against RFC 7692, so declined.
    ['permessage-deflate; server_max_window_bits', undefined],
    ['permessage-deflate; server_max_window_bits=7', undefined],
    ['permessage-deflate; server_max_window_bits=16', undefined],
    ['permessage-deflate; server_max_window_bits=015', undefined],
    ['permessage-deflate; server_max_window_bits=1e1', undefined],
    ['permessage-deflate; client_max_window_bits=7', undefined],
    ['permessage-deflate; client_max_window_bits=16', undefined],
    ['permessage-deflate; client_max_window_bits=010', undefined],
    ['permessage-deflate; client_max_window_bits=x', undefined],
    ['permessage-deflate; client_no_context_takeover=1', undefined],
    ['permessage-deflate; server_no_context_takeover=true', undefined],
    ['permessage-deflate; client_no_context_takeover; client_no_context_takeover', undefined],
    ['permessage-deflate; client_max_window_bits; client_max_window_bits=10', undefined],
    ['permessage-deflate; server_max_window_bits=14; server_max_window_bits=14', undefined],
    ['permessage-deflate; unknown', undefined],
    ['permessage-deflate; unknown=1; client_max_window_bits', undefined],
    ['permessage-deflate; __proto__', undefined],
    ['x-webkit-deflate-frame', undefined],
    ['permessage-bzip2; client_max_window_bits', undefined],
    // Several offers: the first that is possible.
    ['x-webkit-deflate-frame, permessage-deflate', unilateral],
    ['permessage-deflate; unknown, permessage-deflate; client_max_window_bits', unilateral],
    [
      'permessage-deflate; server_max_window_bits=14, permessage-deflate',
      `${unilateral}; server_max_window_bits=14`,
    ],
    ['permessage-deflate, permessage-deflate; server_max_window_bits=14', unilateral],
    [', ,permessage-deflate,', unilateral],
    ['', undefined],
  ])('offered as "%s" is answered with %s', (offered, answered) => {
    const given = answer({ headers: { 'sec-websocket-extensions': offered } }, { deflate: true })
    expect(given).toMatchObject({ accepted: true, deflate: answered !== undefined })
    const line = /\r\nSec-WebSocket-Extensions: (.*)\r\n/.exec(given.head)
    expect(line?.[1]).toBe(answered)
  })

  it('is not answered when it is off, and grammar counts all the same', () => {
    const headers = { 'sec-websocket-extensions': 'permessage-deflate; client_max_window_bits' }
    expect(answer({ headers })).toEqual(answer())
    expect(answer({ headers: { 'sec-websocket-extensions': 'a;' } })).toMatchObject({ status: 400 })
  })

  it('is not answered when nobody offers it', () => {
    expect(answer({}, { deflate: true })).toEqual(answer())
  })
})

describe('the grammar of extensions', () => {
  it.each([
    ['a', [['a']]],
    [' a \t', [['a']]],
    ['a,b', [['a'], ['b']]],
    ['a;b;c=d', [['a', ['b', undefined], ['c', 'd']]]],
    ['A;B=C', [['a', ['b', 'C']]]],
    ['a; b="c"; d="\\e"', [['a', ['b', 'c'], ['d', 'e']]]],
    ["!#$%&'*+-.^_`|~09azAZ", [["!#$%&'*+-.^_`|~09azaz"]]],
    ['', []],
    [' , ,', []],
    ['a;b="c", d', [['a', ['b', 'c']], ['d']]],
  ])('reads %j', (header, expected) => {
    const offers = parseExtensionOffers(header)
    expect(offers?.map(({ name, parameters }) => [name, ...parameters])).toEqual(expected)
  })

  it.each([
    'a b',
    ';a',
    'a;',
    'a;;b',
    'a=b',
    'a;b=',
    'a;b=;c',
    'a;=b',
    'a;b=c d',
    'a;b="c',
    'a;b="c\\',
    'a;b="c"d',
    'a;b=""',
    'a;b="c d"',
    'a;b="\\""',
    'a;b="c,d"',
    'a;b=c=d',
    'ä',
    'a;b=(c)',
    '"a"',
    'a/b',
    'a;"b"',
    'a\u0000',
  ])('refuses %j', (header) => {
    expect(parseExtensionOffers(header)).toBeUndefined()
  })

  it.each([
    ['offers', 'a,'.repeat(8000)],
    ['empty elements', ','.repeat(16_000)],
    ['parameters', `a${';b'.repeat(8000)}`],
    ['a quotation without an end', `a;b="${'\\"'.repeat(8000)}`],
    ['white space', `a${' '.repeat(16_000)}b`],
  ])('reads 16 KiB of %s once', (_, header) => {
    // In quadratic time this would outlast the test.
    for (let round = 0; round < 100; round++) parseExtensionOffers(header)
    answer({ headers: { 'sec-websocket-extensions': header } }, { deflate: true })
  })
})

function answer(
  request: Partial<Omit<IncomingMessage, 'headers'>> & { headers?: IncomingHttpHeaders } = {},
  options = { deflate: false },
): UpgradeAnswer {
  const { headers, ...rest } = request
  const whole = { method: 'GET', httpVersionMajor: 1, httpVersionMinor: 1, ...rest }
  return answerUpgrade({ ...whole, headers: { ...good, ...headers } } as IncomingMessage, options)
}

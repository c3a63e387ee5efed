/** Engine.IO 4 as its document describes it, and refusals of everything else. */
import { describe, expect, it } from 'vitest'
import {
  decodePayload,
  decodeTextPacket,
  EnginePacketType,
  encodePayload,
  openPacket,
  payloadPacketsMax,
} from './engine-packets.ts'
import { reasonOf } from './testing/reason-of.ts'

const bytesOf = (...values: number[]) => Buffer.from(values)
describe('the first packet', () => {
  it('tells what the client has to know, and nothing else', () => {
    const handshake = {
      sid: 'lv_VI97HAXpY6yYWAAAC',
      upgrades: ['websocket'],
      pingInterval: 25_000,
      pingTimeout: 20_000,
      maxPayload: 1_000_000,
      secret: 'stays',
    }
    expect(openPacket(handshake)).toBe(
      '0{"sid":"lv_VI97HAXpY6yYWAAAC","upgrades":["websocket"],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000}',
    )
  })
})

describe('a text packet', () => {
  it('has the types of the document', () => {
    expect(EnginePacketType).toEqual({
      OPEN: '0',
      CLOSE: '1',
      PING: '2',
      PONG: '3',
      MESSAGE: '4',
      UPGRADE: '5',
      NOOP: '6',
    })
  })

  it.each([
    ['0{}', '0', '{}'],
    ['1', '1', ''],
    ['2', '2', ''],
    ['2probe', '2', 'probe'],
    ['3probe', '3', 'probe'],
    ['4hello', '4', 'hello'],
    ['42["a"]', '4', '2["a"]'],
    ['5', '5', ''],
    ['6', '6', ''],
  ])('%s has a type and data', (text, type, data) => expect(decodeTextPacket(text)).toEqual({ type, data }))

  it.each(['', '7', '8', '9', '-1', ' 4', 'x', '/', ':', 'b', 'AQID', '\x1e', 'ü4', '٤hello', '😀'])(
    '%j has no type',
    (text) => expect(reasonOf(() => decodeTextPacket(text))).toBe('engine_type'),
  )
})

describe('a payload', () => {
  it('joins packets as the document shows', () => {
    expect(encodePayload(['4hello', '2', '4world'])).toBe('4hello\x1e2\x1e4world')
    expect(encodePayload(['4hello', bytesOf(1, 2, 3, 4)])).toBe('4hello\x1ebAQIDBA==')
    expect(encodePayload(['4€'])).toBe('4€')
    expect(encodePayload([new Uint8Array([0, 1, 2, 3]).subarray(1, 3)])).toBe('bAQI=')
  })

  it('comes apart as the document shows', () => {
    expect(decodePayload('4hello\x1e2\x1e4world')).toEqual([
      { type: '4', data: 'hello' },
      { type: '2', data: '' },
      { type: '4', data: 'world' },
    ])
    expect(decodePayload('4hello\x1ebAQIDBA==')).toEqual([
      { type: '4', data: 'hello' },
      { type: '4', data: bytesOf(1, 2, 3, 4) },
    ])
    expect(decodePayload('b')).toEqual([{ type: '4', data: bytesOf() }])
    expect(decodePayload('451-["a",{"_placeholder":true,"num":0}]\x1eb/+8=')).toEqual([
      { type: '4', data: '51-["a",{"_placeholder":true,"num":0}]' },
      { type: '4', data: bytesOf(0xff, 0xef) },
    ])
  })

  it('brings every byte through', () => {
    for (let length = 0; length < 300; length++) {
      const bytes = Buffer.from(Array.from({ length }, (_, index) => (index * 7 + length) & 255))
      expect(decodePayload(encodePayload(['4a', bytes, '2']))).toEqual([
        { type: '4', data: 'a' },
        { type: '4', data: bytes },
        { type: '2', data: '' },
      ])
    }
  })

  it.each([
    ['nothing', ''],
    ['a separator alone', '\x1e'],
    ['nothing at the end', '4a\x1e'],
    ['nothing at the beginning', '\x1e4a'],
    ['nothing in between', '4a\x1e\x1e4b'],
    ['an unknown type', '4a\x1e9'],
  ])('is refused with %s', (_, body) => expect(reasonOf(() => decodePayload(body))).toBe('engine_type'))

  it.each([
    'bAQ',
    'bAQ=',
    'bA',
    'b=',
    'b====',
    'bAQI',
    'bAQI==',
    'bAQ I=',
    'bAQI=\n',
    'b-_8=',
    'bAR==',
    'bAQ==AQ==',
    'bAQ*=',
    'bAQI=x',
    'bü',
    'bAQ\u0000=',
  ])('%j is no base64', (text) => expect(reasonOf(() => decodePayload(text))).toBe('engine_base64'))

  it('has a bound of packets', () => {
    const full = Array.from({ length: payloadPacketsMax }, () => '2').join('\x1e')
    expect(decodePayload(full)).toHaveLength(payloadPacketsMax)
    expect(reasonOf(() => decodePayload(`${full}\x1e2`))).toBe('engine_count')
    expect(reasonOf(() => decodePayload('2\x1e2\x1e2', 2))).toBe('engine_count')
    expect(decodePayload('2\x1e2', 2)).toHaveLength(2)
    // What is beyond the bound is not looked at.
    expect(reasonOf(() => decodePayload(`2\x1e${'\x1e'.repeat(1_000_000)}`, 1))).toBe('engine_count')
  })
})

/** What is no packet, no frame or too much of it: the connection ends with a reason, and nobody else notices. */
import { describe, expect, it } from 'vitest'
import { createTestClock } from '../../packages/server/src/engine/testing/test-clock.ts'
import { openBystander } from './bystander.ts'
import { answered } from './raw-clients.ts'
import { clientFrame, opcode } from './raw-line.ts'
import { openSpeaker, transports } from './speakers.ts'
import { until } from './until.ts'
import { count, openWorld } from './world.ts'

const placeholder = (num: number) => `{"_placeholder":true,"num":${num}}`

/** Socket.IO packets; bytes are attachments. */
const malformed: readonly [what: string, packets: readonly (string | Uint8Array)[]][] = [
  ['an empty packet', ['']],
  ['an unknown type', ['9']],
  ['a letter for a type', ['abc']],
  ['CONNECT_ERROR, which only servers send', ['4/posts,{"message":"x"}']],
  ['an event that is no list', ['2/posts,{}']],
  ['an event without a name', ['2/posts,[]']],
  ['an event whose name is a number', ['2/posts,[7]']],
  ['an event whose name is empty', ['2/posts,[""]']],
  ['an event with a name that emitters keep for themselves', ['2/posts,["connect"]']],
  ['an event called "disconnecting"', ['2/posts,["disconnecting",{}]']],
  ['JSON that ends too early', ['2/posts,["post:view",{"id":"a"']],
  ['JSON with something behind it', ['2/posts,["post:view",{"id":"a"}]x']],
  ['no JSON', ['2/posts,']],
  ['an id of letters', ['2/posts,abc["post:view",{"id":"a"}]']],
  ['an id below zero', ['2/posts,-1["post:view",{"id":"a"}]']],
  ['an id with a fraction', ['2/posts,1.5["post:view",{"id":"a"}]']],
  ['an id that cannot be counted with', ['2/posts,99999999999999999999["post:view",{"id":"a"}]']],
  ['an answer without an id', ['3/posts,[1]']],
  ['an answer that is no list', ['3/posts,1{}']],
  ['CONNECT with a list', ['0/news,[]']],
  ['CONNECT with a text', ['0/news,"token"']],
  ['CONNECT with an id', ['0/news,1{}']],
  ['CONNECT nested without end', [`0/news,{"a":${'['.repeat(500)}${']'.repeat(500)}}`]],
  ['DISCONNECT with a payload', ['1/posts,{}']],
  ['a namespace without end', [`0/${'x'.repeat(1_000)},{}`]],
  ['an event on a namespace that was never entered', ['2/news,["news:ask"]']],
  ['an event on the namespace "/"', ['2["post:view",{"id":"a"}]']],
  ['an answer on a namespace that was never entered', ['3/news,1[1]']],
  ['DISCONNECT from a namespace that was never entered', ['1/news,']],
  ['bytes that nobody awaits', [Buffer.from([1])]],
  ['attachments without a number', ['5-/posts,["post:draw",{}]']],
  ['no attachments, said aloud', ['50-/posts,["post:draw",{}]']],
  ['more attachments than may be', [`511-/posts,["post:draw",${count(11).map(placeholder).join()}]`]],
  ['more attachments than have a place', ['52-/posts,["post:draw",{"image":{"_placeholder":true,"num":0}}]']],
  ['a place that comes twice', [`52-/posts,["post:draw",[${placeholder(0)},${placeholder(0)}]]`]],
  ['a place beyond the last', [`51-/posts,["post:draw",${placeholder(1)}]`]],
  ['a place that is no number', ['51-/posts,["post:draw",{"_placeholder":true,"num":"__proto__"}]']],
  [
    'a text in place of an attachment',
    [`51-/posts,["post:draw",${placeholder(0)}]`, '2/posts,["post:view",{"id":"a"}]'],
  ],
  [
    'attachments that are too large together',
    [
      `52-/posts,["post:draw",[${placeholder(0)},${placeholder(1)}]]`,
      Buffer.alloc(6_000),
      Buffer.alloc(6_000),
    ],
  ],
]

describe.each(transports)('over %s', (transport) => {
  it.each(malformed)('[TR8] %s ends the connection', async (_what, packets) => {
    await using world = await openWorld({ bounds: { maxPayloadBytes: 10_000 } })
    const other = await openBystander(world)
    const speaker = await openSpeaker(world, transport)
    await speaker.enter(world.token())
    // Over polling the GET that waits is told.
    const heard = speaker.hear().catch(() => undefined)
    for (const packet of packets) await speaker.say(packet)
    await speaker.closed
    expect(await heard).toBeUndefined()
    await world.connections(1)
    const { malformed_packet = 0, too_large = 0 } = world.closed() as Record<string, number>
    expect(malformed_packet + too_large).toBe(1)
    expect(world.suspicions()).toHaveLength(1)
    expect(world.handled).toEqual([])
    await other.isFine()
  })

  it('[TR8] nothing before CONNECT is believed', async () => {
    for (const packet of [
      '2["post:view",{"id":"a"}]',
      '2/posts,["post:view",{"id":"a"}]',
      '1',
      '3/posts,1[]',
    ]) {
      await using world = await openWorld()
      const speaker = await openSpeaker(world, transport)
      const heard = speaker.hear().catch(() => undefined)
      await speaker.say(packet)
      await speaker.closed
      await heard
      expect(world.closed()).toEqual({ malformed_packet: 1 })
      expect(world.handled).toEqual([])
    }
  })

  it('attachments that never come end the connection after two pings', async () => {
    const clock = createTestClock()
    await using world = await openWorld({ clock })
    const speaker = await openSpeaker(world, transport)
    await speaker.enter(world.token())
    const heard = speaker.hear().catch(() => undefined)
    /** The next ping, and its answer after so many milliseconds, which says that everything before it was read. */
    const ping = async (answeredAfterMs: number, ...before: readonly string[]) => {
      clock.advance(25_000)
      await until(() => world.sockets.queuedBytes() === 0)
      for (const packet of before) await speaker.say(packet)
      clock.advance(answeredAfterMs)
      await speaker.sayEngine('3')
      // The ping left up to 50 ms before its time.
      await until(() => ([...world.realtime.connections][0]?.connection.roundTripMs ?? 0) >= answeredAfterMs)
    }
    await ping(50, `51-/posts,1["post:draw",{"image":${placeholder(0)}}]`)
    await ping(500)
    clock.advance(25_000)
    await world.connections(0)
    await heard
    expect(world.closed()).toEqual({ malformed_packet: 1 })
    expect(world.handled).toEqual([])
  })

  it('a flood of small packets ends its sender', async () => {
    const clock = createTestClock()
    await using world = await openWorld({ clock })
    const other = await openBystander(world)
    const speaker = await openSpeaker(world, transport)
    await speaker.enter(world.token())
    const heard = speaker.hear().catch(() => undefined)
    // As pongs, which nobody asked for and which cost nothing else.
    for (const _ of count(3)) await speaker.sayEngine(...count(500).map(() => '3'))
    await speaker.closed
    await heard
    await world.connections(1)
    expect(world.closed()).toEqual({ flood: 1 })
    await other.isFine()
  })

  it('as many packets in a second as may be are no flood', async () => {
    const clock = createTestClock()
    await using world = await openWorld({ clock })
    const speaker = await openSpeaker(world, transport)
    await speaker.enter(world.token())
    for (const _ of count(3)) {
      clock.advance(1_000)
      await speaker.sayEngine(...count(500).map(() => '3'))
      await speaker.sayEngine(...count(498).map(() => '3'))
      await speaker.say('2/posts,1["post:view",{"id":"a"}]')
      expect(await speaker.hearText()).toContain('"ok":true')
    }
  })
})

describe('more than a message may be', () => {
  it.each([
    ['in one text', [clientFrame(opcode.text, `42/posts,["post:view",{"id":"${'x'.repeat(10_000)}"}]`)]],
    ['in one binary', [clientFrame(opcode.binary, Buffer.alloc(10_001))]],
    ['promised by the head of a frame alone', [clientFrame(opcode.text, 'x'.repeat(70_000)).subarray(0, 14)]],
    ['promised as 4 gigabytes', [Buffer.from([0x81, 0xff, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0])]],
    [
      'in many pieces',
      [
        clientFrame(opcode.text, 'x'.repeat(4_000), 0),
        clientFrame(0, 'x'.repeat(4_000), 0),
        clientFrame(0, 'x'.repeat(4_000)),
      ],
    ],
  ])('over WebSocket %s ends with 1009', async (_what, frames) => {
    await using world = await openWorld({ bounds: { maxPayloadBytes: 10_000 } })
    const other = await openBystander(world)
    const line = await world.rawLine()
    line.askForWebSocket()
    await until(() => line.received.includes('"sid"'))
    for (const frame of frames) line.write(frame)
    await line.ended
    expect(line.received).toContain(
      String.fromCharCode(0x88, 2 + 'too_large'.length, 1009 >>> 8, 1009 & 0xff),
    )
    expect(world.closed()).toEqual({ too_large: 1 })
    await other.isFine()
  })

  it('over polling is answered with 413', async () => {
    await using world = await openWorld({ bounds: { maxPayloadBytes: 10_000 } })
    const other = await openBystander(world)
    const polling = await world.rawPolling()
    await polling.enter(world.token())
    const poll = polling.poll()
    await answered(fetch(`${world.url}/elsewhere`))
    expect((await polling.post(`4${'x'.repeat(10_000)}`)).status).toBe(413)
    expect((await poll).text).toBe('1')
    expect(world.closed()).toEqual({ too_large: 1 })
    await other.isFine()
  })

  it('may be reached, and is for each message and not for all of them', async () => {
    await using world = await openWorld({ bounds: { maxPayloadBytes: 1_000 } })
    const speaker = await openSpeaker(world, 'websocket')
    const polling = await openSpeaker(world, 'polling')
    const packet = '2/posts,1["post:view",{"id":"a","extra":""}]'
    const full = packet.replace('""', `"${'x'.repeat(1_000 - 1 - packet.length)}"`)
    for (const each of [speaker, polling]) {
      await each.enter(world.token())
      for (const _ of count(3)) {
        await each.say(full)
        expect(await each.hearText()).toContain('"ok":true')
      }
    }
  })
})

describe('what is no frame', () => {
  it.each([
    ['a frame without a mask', Buffer.from([0x81, 1, 0x33]), 1002],
    ['a reserved bit', clientFrame(opcode.text, '3', 0xa0), 1002],
    ['compression that was not agreed on', clientFrame(opcode.text, '3', 0xc0), 1002],
    ['a reserved kind of frame', clientFrame(3, '3'), 1002],
    ['a reserved kind of control frame', clientFrame(11, '3'), 1002],
    ['a ping in pieces', clientFrame(opcode.ping, '3', 0), 1002],
    ['a ping that is too long', clientFrame(opcode.ping, 'x'.repeat(126)), 1002],
    ['the end of a message that never began', clientFrame(0, '3'), 1002],
    [
      'a message within a message',
      Buffer.concat([clientFrame(opcode.text, '3', 0), clientFrame(opcode.text, '3')]),
      1002,
    ],
    [
      'a length of more than there are numbers',
      Buffer.from([0x81, 0xff, 0xff, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]),
      undefined,
    ],
    ['text that is not UTF-8', clientFrame(opcode.text, Buffer.from([0x34, 0xc3, 0x28])), undefined],
    ['a goodbye with half a code', clientFrame(opcode.close, Buffer.from([3])), undefined],
    [
      'a goodbye with a code that may not travel',
      clientFrame(opcode.close, Buffer.from([0x03, 0xed])),
      undefined,
    ],
  ])('%s ends the connection', async (_what, frame, code) => {
    await using world = await openWorld()
    const other = await openBystander(world)
    const line = await world.rawLine()
    line.askForWebSocket()
    await until(() => line.received.includes('"sid"'))
    line.write(frame)
    await line.ended
    const reason = 'malformed_packet'
    expect(line.received).toContain(reason)
    if (code !== undefined)
      expect(line.received).toContain(String.fromCharCode(0x88, 2 + reason.length, code >>> 8, code & 0xff))
    expect(world.closed()).toEqual({ malformed_packet: 1 })
    await other.isFine()
  })
})

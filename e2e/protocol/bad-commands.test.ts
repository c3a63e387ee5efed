/** Commands that are wrong: each is refused with a row of the catalogue, and changes nothing. */
import { errorCatalogue } from '@belfry/contract'
import { describe, expect, it } from 'vitest'
import { createTestClock } from '../../packages/server/src/engine/testing/test-clock.ts'
import { openBystander } from './bystander.ts'
import { posts } from './namespaces.ts'
import { openSpeaker, transports } from './speakers.ts'
import { until } from './until.ts'
import { connected, count, hearing, openWorld, thread } from './world.ts'

/** JSON nested so many levels deep; the outermost object is the first. */
const nested = (levels: number) => `{"tree":${'['.repeat(levels - 1)}${']'.repeat(levels - 1)}}`
const roomOf = (room: object) => JSON.stringify({ room })

/** What is sent behind the name of an event; the code it is refused with. */
const wrongCommands: readonly [what: string, code: keyof typeof errorCatalogue, event: string][] = [
  ['[B-04] a name that nobody knows', 'unknown_command', '["post:vanish",{}]'],
  ['a name of an event of the server', 'unknown_command', '["post:created",{"n":1}]'],
  ['[A-14] a command of another namespace', 'unknown_command', '["news:ask",{}]'],
  ['a name that every object has', 'unknown_command', '["toString",{}]'],
  ['"__proto__" as a name', 'unknown_command', '["__proto__",{}]'],
  ['a name without end', 'unknown_command', `["${'x'.repeat(10_000)}",{}]`],
  ['[B-04] a field of another type', 'validation_failed', '["post:view",{"id":7}]'],
  ['a field that is missing', 'validation_failed', '["post:view",{}]'],
  ['no argument at all', 'validation_failed', '["post:view"]'],
  ['null', 'validation_failed', '["post:view",null]'],
  ['a list in place of an object', 'validation_failed', '["post:view",[{"id":"a"}]]'],
  ['a text in place of an object', 'validation_failed', '["post:view","a"]'],
  ['a number in place of an object', 'validation_failed', '["post:view",1e400]'],
  ['two arguments', 'validation_failed', '["post:view",{"id":"a"},{"id":"b"}]'],
  ['[B-06] a text that is too long', 'validation_failed', `["post:view",{"id":"${'x'.repeat(101)}"}]`],
  ['[B-06] only what stands in a prototype', 'validation_failed', '["post:view",{"__proto__":{"id":"a"}}]'],
  ['nine levels where eight may be', 'validation_failed', `["post:tree",${nested(9)}]`],
  ['ten levels', 'validation_failed', `["post:tree",${nested(10)}]`],
  ['a hundred thousand levels', 'validation_failed', `["post:tree",${nested(30_000)}]`],
  ['an idempotency key that is none', 'validation_failed', '["post:view",{"id":"a","_meta":{"key":7}}]'],
  [
    '[B-14] more than this command may have',
    'payload_too_large',
    `["post:note",{"note":"${'x'.repeat(1_000)}"}]`,
  ],
  [
    '[B-14] fewer letters, but more bytes',
    'payload_too_large',
    `["post:note",{"note":"${'☃'.repeat(400)}"}]`,
  ],
  [
    '[B-14] a room with a great name',
    'payload_too_large',
    `["room:join",${roomOf({ kind: 'thread', id: 'x'.repeat(2_000) })}]`,
  ],
  [
    '[A-18] a kind of room that nobody has',
    'unknown_room',
    `["room:join",${roomOf({ kind: 'cellar', id: 'a' })}]`,
  ],
  [
    'a kind of room that every object has',
    'unknown_room',
    `["room:join",${roomOf({ kind: 'constructor', id: 'a' })}]`,
  ],
  ['the room of everybody', 'unknown_room', `["room:join",${roomOf({ kind: 'everyone', id: 'all' })}]`],
  [
    '[A-15] the room of another user',
    'forbidden',
    `["room:join",${roomOf({ kind: 'user', id: 'bystander' })}]`,
  ],
  [
    '[A-16] [M-05] another workspace',
    'forbidden',
    `["room:join",${roomOf({ kind: 'workspace', id: 'globex' })}]`,
  ],
  [
    '[A-18] [M-03] a room that is not for everybody',
    'forbidden',
    `["room:join",${roomOf(thread('secret'))}]`,
  ],
  ['a name in place of a room', 'validation_failed', '["room:join",{"room":"thread:a"}]'],
  ['a room that is a list', 'validation_failed', '["room:join",{"room":["thread","a"]}]'],
  ['a room without a name', 'validation_failed', `["room:join",${roomOf({ kind: 'thread', id: '' })}]`],
  [
    'a room with a line break',
    'validation_failed',
    `["room:join",${roomOf({ kind: 'thread', id: 'a\nb' })}]`,
  ],
  ['no room', 'validation_failed', '["room:leave"]'],
]

describe.each(transports)('over %s', (transport) => {
  it.each(wrongCommands)('%s is refused as %s', async (_what, code, event) => {
    await using world = await openWorld()
    const other = await openBystander(world)
    const speaker = await openSpeaker(world, transport)
    await speaker.enter(world.token())
    const rooms = () => world.realtime.namespaces.get('/posts')?.rooms.size
    const before = rooms()
    await speaker.say(`2/posts,5${event}`)
    const text = await speaker.hearText()
    expect(text).toMatch(/^3\/posts,5\[/)
    const [answer] = JSON.parse(text.slice('3/posts,5'.length))
    expect(answer).toEqual({
      ok: false,
      error: expect.objectContaining({
        code,
        retry: errorCatalogue[code].retry,
        message: expect.any(String),
      }),
    })
    expect(text.length, 'what is sent is not sent back').toBeLessThan(600)
    expect(world.handled).toEqual([])
    expect(rooms()).toBe(before)
    // Without an id it is refused as an event.
    await speaker.say(`2/posts,${event}`)
    expect(await speaker.hearText()).toMatch(new RegExp(`^2/posts,\\["command:rejected",.*"code":"${code}"`))
    await speaker.say('2/posts,6["post:view",{"id":"a"}]')
    expect(await speaker.hearText()).toContain('"seen":true')
    await other.isFine()
  })

  it('[B-06] keys that reach prototypes and keys that nobody knows never arrive', async () => {
    await using world = await openWorld()
    const speaker = await openSpeaker(world, transport)
    await speaker.enter(world.token())
    const inner =
      '{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}},"a":[{"__proto__":[]}]}'
    await speaker.say(
      `2/posts,1["post:view",{"id":"a","extra":1,"__proto__":{"polluted":1},"constructor":1,"prototype":2}]`,
      `2/posts,2["post:tree",{"tree":${inner}}]`,
    )
    expect(await speaker.hearText()).toContain('"ok":true')
    expect(await speaker.hearText()).toContain('"ok":true')
    const inputs = world.handled.map(({ input }) => JSON.stringify(input))
    expect(inputs).toEqual(['{"id":"a"}', '{"tree":{"a":[{}]}}'])
    expect(Object.getPrototypeOf(world.handled[0]?.input)).toBe(Object.prototype)
    expect({}).not.toHaveProperty('polluted')
  })

  it('[B-14] attachments count: what a command may have is all of it', async () => {
    await using world = await openWorld()
    const speaker = await openSpeaker(world, transport)
    await speaker.enter(world.token())
    const placeholders = '{"image":{"_placeholder":true,"num":0},"more":{"_placeholder":true,"num":1}}'
    await speaker.say(`52-/posts,1["post:note",${placeholders}]`, Buffer.alloc(5_000), Buffer.alloc(1))
    expect(await speaker.hearText()).toMatch(/^3\/posts,1.*payload_too_large/)
    await speaker.say(`52-/posts,2["post:note",${placeholders}]`, Buffer.alloc(500), Buffer.alloc(1))
    expect(await speaker.hearText()).toBe('3/posts,2[{"ok":true}]')
    // What one command had is not counted to the next one.
    await speaker.say(`52-/posts,3["post:note",${placeholders}]`, Buffer.alloc(500), Buffer.alloc(1))
    expect(await speaker.hearText()).toBe('3/posts,3[{"ok":true}]')
  })

  it('eight levels may be, and a limit may be reached', async () => {
    await using world = await openWorld()
    const speaker = await openSpeaker(world, transport)
    await speaker.enter(world.token())
    await speaker.say(`2/posts,1["post:tree",${nested(8)}]`)
    expect(await speaker.hearText()).toBe('3/posts,1[{"ok":true}]')
    await speaker.say(`2/posts,2["post:view",{"id":"${'x'.repeat(100)}"}]`)
    expect(await speaker.hearText()).toContain('"ok":true')
  })
})

it('[B-07] a handler that fails costs its caller an answer, and is told to the log alone', async () => {
  await using world = await openWorld()
  const other = await openBystander(world)
  const client = await connected(world.client())
  const answer = await client.emitWithAck('post:break', {})
  expect(answer).toEqual({
    ok: false,
    error: { code: 'internal', message: 'Something went wrong on our side. It was logged.', retry: true },
  })
  expect(world.expectMistakes()).toHaveLength(1)
  expect(await client.emitWithAck('post:view', { id: 'a' })).toMatchObject({ ok: true })
  await other.isFine()
})

it('[B-09] [B-10] too many are refused, then their sender is sent away for a while', async () => {
  const clock = createTestClock()
  await using world = await openWorld({ clock, commandsPerSecond: 20 })
  const other = await openBystander(world)
  const client = await connected(world.client({ transports: ['websocket'] }))
  const heard = hearing(client)
  const reasons: string[] = []
  client.on('disconnect', (reason) => reasons.push(reason))
  const answers = await Promise.all(count(25).map((id) => client.emitWithAck('post:view', { id: `${id}` })))
  expect(answers.filter(({ ok }) => ok)).toHaveLength(20)
  expect(answers.at(-1)).toMatchObject({ error: { code: 'too_many_requests', retry: true } })
  expect(heard).toMatchObject([{ name: 'session:warning' }])
  for (const _ of count(4)) {
    clock.advance(1_000)
    for (const id of count(25)) client.emit('post:view', { id: `${id}` })
    await other.isFine()
  }
  await until(() => reasons.length === 1)
  expect(reasons).toEqual(['io server disconnect'])
  expect(heard.at(-1)).toMatchObject({
    name: 'session:closing',
    args: [{ code: 'rate_limited', retry: false }, expect.anything()],
  })
  const speaker = await openSpeaker(world, 'websocket')
  await speaker.say(`0/posts,${JSON.stringify({ token: world.token() })}`)
  expect(await speaker.hearText()).toContain('"code":"cooling_down"')
  clock.advance(60_000)
  const again = await openSpeaker(world, 'websocket')
  await again.enter(world.token())
})

it('the contract of these tests is as small as they say', () => {
  expect(posts.commands['post:note'].maxBytes).toBe(1_000)
  expect(posts.commands['post:tree'].depthMax).toBe(8)
})

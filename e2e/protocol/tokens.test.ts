/** Who gets in: every namespace asks for a token, and takes only one that is right (A-06, A-07, M-01). */
import { createHmac, generateKeyPairSync, randomBytes, sign } from 'node:crypto'
import type { UserId } from '@belfry/contract'
import { describe, expect, it } from 'vitest'
import { createTestClock } from '../../packages/server/src/engine/testing/test-clock.ts'
import { openBystander } from './bystander.ts'
import { news, posts } from './namespaces.ts'
import { openSpeaker, transports } from './speakers.ts'
import { ana, openWorld, secret, type World } from './world.ts'

const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
const hs256 = (head: object, claims: object, key = secret) => {
  const signed = `${part(head)}.${part(claims)}`
  return `${signed}.${createHmac('sha256', key).update(signed).digest('base64url')}`
}
const head = { alg: 'HS256', typ: 'JWT' }
const inAnHour = () => Math.floor(Date.now() / 1_000) + 3_600
const claims = () => ({
  sub: 'eva',
  workspaces: ['acme'],
  exp: inAnHour(),
  jti: randomBytes(12).toString('hex'),
})

/** What clients bring that must not let them in, and what they are told. */
const badCredentials: readonly [what: string, code: string, make: (world: World) => unknown][] = [
  ['nothing', 'token_missing', () => undefined],
  ['null', 'token_missing', () => null],
  ['an empty text', 'token_missing', () => ''],
  ['a number', 'token_invalid', () => 12_345_678],
  ['an object', 'token_invalid', () => ({ sub: 'ana', toString: 'x' })],
  ['a list with a right token in it', 'token_invalid', (world) => [world.token()]],
  ['a word', 'token_invalid', () => 'undefined'],
  ['a right token with a word before it', 'token_invalid', (world) => `Bearer ${world.token()}`],
  ['a right token twice', 'token_invalid', (world) => `${world.token()}${world.token()}`],
  ['a right token with a blank behind it', 'token_invalid', (world) => `${world.token()} `],
  ['one that has expired', 'token_expired', () => hs256(head, { ...claims(), exp: inAnHour() - 7_200 })],
  ['one that is not valid yet', 'token_invalid', () => hs256(head, { ...claims(), nbf: inAnHour() })],
  [
    'one of another key',
    'token_invalid',
    () => hs256(head, claims(), 'another key, which is not ours at all'),
  ],
  ['one of an empty key', 'token_invalid', () => hs256(head, claims(), '')],
  [
    'other claims under a right signature',
    'token_invalid',
    (world) => {
      const [first, , last] = world.token().split('.')
      return `${first}.${part({ ...claims(), roles: ['admin'] })}.${last}`
    },
  ],
  ['no algorithm', 'token_invalid', () => `${part({ alg: 'none' })}.${part(claims())}.`],
  [
    'no algorithm, and a signature',
    'token_invalid',
    () => `${part({ alg: 'none' })}.${part(claims())}.${hs256(head, claims()).split('.')[2]}`,
  ],
  ['"NONE" as algorithm', 'token_invalid', () => `${part({ alg: 'NONE' })}.${part(claims())}.AAAA`],
  ['another algorithm of the same kind', 'token_invalid', () => hs256({ ...head, alg: 'HS512' }, claims())],
  [
    'a key of its own in the header',
    'token_invalid',
    () => {
      const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
      const signed = `${part({ alg: 'ES256', jwk: publicKey.export({ format: 'jwk' }) })}.${part(claims())}`
      return `${signed}.${sign('sha256', Buffer.from(signed), { key: privateKey, dsaEncoding: 'ieee-p1363' }).toString('base64url')}`
    },
  ],
  ['no user', 'token_invalid', () => hs256(head, { exp: inAnHour() })],
  ['one of many kilobytes', 'token_invalid', () => hs256(head, { ...claims(), name: 'x'.repeat(40_000) })],
]

describe.each(transports)('over %s', (transport) => {
  describe.each([posts.name, news.name])('%s', (namespace) => {
    it.each(badCredentials)('[A-06] [M-01] refuses %s as %s', async (_what, code, make) => {
      await using world = await openWorld()
      const other = await openBystander(world)
      const token = make(world)
      if (typeof token === 'string') world.keepSecret(token)
      const speaker = await openSpeaker(world, transport)
      await speaker.say(`0${namespace},${JSON.stringify({ token })}`)
      const answer = await speaker.hearText()
      const start = `4${namespace},`
      expect(answer.slice(0, start.length)).toBe(start)
      const { message, data } = JSON.parse(answer.slice(start.length))
      expect(data).toEqual({ code, message, retry: false })
      if (typeof token === 'string')
        for (const each of token.split('.')) if (each.length > 8) expect(answer).not.toContain(each)
      expect(world.suspicions()).toEqual([`refused: ${code}`])
      // In no room, and with nothing to say.
      expect(world.realtime.users.sessionsOf('eva' as UserId)).toEqual([])
      expect(world.realtime.namespaces.get(namespace)?.sessions.length).toBe(namespace === posts.name ? 1 : 0)
      await speaker.say(`2${namespace},1["post:view",{"id":"a"}]`)
      await other.isFine()
      expect(world.handled.map(({ userId }) => userId)).toEqual(['bystander'])
      // The connection is not to blame.
      await speaker.enter(world.token(), namespace)
    })
  })

  it('[A-07] refuses a token for another audience, and one for nobody in particular', async () => {
    await using world = await openWorld({ audience: 'https://belfry.example' })
    const speaker = await openSpeaker(world, transport)
    for (const aud of [undefined, 'https://elsewhere.example', ['a', 'b']]) {
      const token = world.token({ ...ana, aud })
      await speaker.say(`0/posts,${JSON.stringify({ token })}`)
      expect(await speaker.hearText()).toContain('"code":"token_invalid"')
    }
    await speaker.enter(world.token({ ...ana, aud: ['a', 'https://belfry.example'] }))
  })

  it('[A-09] [M-04] believes the token, whatever else a client says of itself', async () => {
    await using world = await openWorld()
    const speaker = await openSpeaker(world, transport)
    const lies = { userId: 'bob', sub: 'bob', roles: ['admin'], principal: { userId: 'bob' } }
    await speaker.enter(world.token(), '/posts', lies)
    await speaker.say(`2/posts,1["post:view",${JSON.stringify({ id: 'a', ...lies })}]`)
    await speaker.hearText()
    expect(world.handled).toEqual([{ name: 'post:view', input: { id: 'a' }, userId: 'ana' }])
    expect(world.realtime.users.sessionsOf('bob' as UserId)).toEqual([])
  })

  it('[A-12] confines a session to a workspace of its own, and refuses one that is not', async () => {
    await using world = await openWorld()
    const speaker = await openSpeaker(world, transport)
    const token = world.token({ sub: 'ana', workspaces: ['acme', 'globex'] })
    for (const workspaceId of ['other', '', 7, null, ['acme'], { id: 'acme' }]) {
      await speaker.say(`0/posts,${JSON.stringify({ token, workspaceId })}`)
      expect(await speaker.hearText()).toContain('"code":"forbidden"')
    }
    await speaker.enter(token, '/posts', { workspaceId: 'globex' })
    await world.publish(posts, 'post:created', { n: 1 }, { kind: 'workspace', id: 'acme' })
    await world.publish(posts, 'post:created', { n: 2 }, { kind: 'workspace', id: 'globex' })
    expect(await speaker.hearText()).toContain('"n":2')
  })

  it('asks again when a token has expired meanwhile, also on a connection that showed it before', async () => {
    const clock = createTestClock()
    await using world = await openWorld({ clock })
    const speaker = await openSpeaker(world, transport)
    const token = world.token(ana, 10)
    await speaker.enter(token)
    clock.advance(16_000)
    expect(await speaker.hearText()).toContain('"code":"token_expiring"')
    await speaker.say(`0/news,${JSON.stringify({ token })}`)
    expect(await speaker.hearText()).toContain('"code":"token_expired"')
    await speaker.enter(world.token(), '/news')
  })
})

/** Tokens that end while the connection goes on: refreshed in place, or renewed when the server has ended what they were for. */
import type { TokenReason } from '@belfry/client'
import { describe, expect, it } from 'vitest'
import { news, posts } from '../protocol/namespaces.ts'
import { until } from '../protocol/until.ts'
import { openWorld, type World } from '../protocol/world.ts'
import { becomes, isOpen, openClient } from './client-world.ts'
import { type Visitor, wireServer } from './wire-server.ts'

type Server = Awaited<ReturnType<typeof openServer>>

async function openServer(admit: (token: unknown) => boolean = () => true) {
  const server = await wireServer({
    recovers: () => true,
    welcome(visitor, times) {
      if (times > 1) visitor.socket.on('post:view', ({ id }, answer) => answer({ ok: true, data: { id } }))
      visitor.start('e.0')
    },
  })
  const shown: unknown[] = []
  const entered: unknown[] = []
  server.server.of('/news').use((socket, next) => {
    entered.push(socket.handshake.auth['token'])
    next()
  })
  const auth = server.server.of('/auth').use((socket, next) => {
    const { token } = socket.handshake.auth as { token?: unknown }
    shown.push(token)
    next(admit(token) ? undefined : Object.assign(new Error('No.'), { data: { code: 'token_invalid' } }))
  })
  return {
    ...server,
    /** Tokens that were shown on `/auth`. */
    refreshed: shown,
    /** With what clients came to `/news`. */
    entered,
    inAuth: () => auth.sockets.size,
  }
}

const warn = (server: Server, index = 0) =>
  server.visitors[index]?.say('session:warning', { code: 'token_expiring', message: 'Soon.' }, 'e.0')

/** A source that numbers its tokens, and holds them back where it is told to. */
function source(given: { readonly fails?: boolean } = {}) {
  const reasons: TokenReason[] = []
  return {
    reasons,
    token: async (reason: TokenReason) => {
      reasons.push(reason)
      if (given.fails && reason === 'expiring') throw new Error('Nobody is signed in.')
      return `token ${reasons.length}`
    },
  }
}

async function opened(world: World, server: Server, token: Parameters<typeof openClient>[1]) {
  const tested = openClient(world, { url: server.url, ...token })
  const live = tested.client.namespace(posts)
  live.onReset(() => {})
  await isOpen(live)
  return { tested, live }
}

describe('a token that ends soon', () => {
  it('is refreshed in place, once for all who say so, and nobody notices', async () => {
    await using world = await openWorld()
    await using server = await openServer()
    const { token, reasons } = source()
    const { tested, live } = await opened(world, server, { token })
    using _ = tested
    const before = live.state.get()
    for (const __ of [1, 2, 3]) warn(server)
    await until(() => server.refreshed.length === 1)
    await until(() => server.inAuth() === 0)
    expect([server.refreshed, reasons]).toEqual([['token 2'], ['first', 'expiring']])
    expect(live.state.get()).toBe(before)
    expect(tested.states).toEqual(['idle', 'connecting', 'connected'])
    await until(() => tested.clock.timers === 0)
    const later = tested.client.namespace(news)
    later.onReset(() => {})
    await isOpen(later)
    expect(server.entered).toEqual(['token 2'])
    warn(server)
    await until(() => server.refreshed.length === 2)
    expect(reasons).toEqual(['first', 'expiring', 'expiring'])
    await until(() => server.inAuth() === 0)
  })

  it.each<readonly [string, boolean, (token: unknown) => boolean]>([
    ['there is no other', true, () => true],
    ['the other is refused', false, () => false],
  ])('where %s goes on, and may be asked again', async (_what, fails, admit) => {
    await using world = await openWorld()
    await using server = await openServer(admit)
    const { token, reasons } = source({ fails })
    const { tested, live } = await opened(world, server, { token })
    using _ = tested
    for (const times of [1, 2]) {
      warn(server)
      await until(() => reasons.length === times + 1 && tested.clock.timers === 0)
      expect(live.state.get()).toEqual({ status: 'open', recovered: false })
    }
    expect(server.refreshed).toHaveLength(fails ? 0 : 2)
    const later = tested.client.namespace(news)
    later.onReset(() => {})
    await isOpen(later)
    expect(server.entered).toEqual(['token 1'])
  })

  it('is given up where nothing answers, and where the line breaks meanwhile', async () => {
    await using world = await openWorld()
    await using server = await openServer()
    const held: ((token: string) => void)[] = []
    const { tested, live } = await opened(world, server, {
      token: (reason) => (reason === 'expiring' ? new Promise((resolve) => held.push(resolve)) : 'a token'),
    })
    using _ = tested
    warn(server)
    await until(() => held.length === 1)
    tested.clock.advance(20_000)
    expect(tested.clock.timers).toBe(0)
    held[0]?.('too late')
    warn(server)
    await until(() => held.length === 2)
    server.cut()
    await becomes(live, 'waiting')
    tested.clock.advance(1_000)
    await isOpen(live)
    held[1]?.('of another line')
    warn(server, 1)
    await until(() => held.length === 3)
    held[2]?.('the third')
    await until(() => server.refreshed.length === 1)
    expect(server.refreshed).toEqual(['the third'])
  })

  it('as a text cannot be refreshed', async () => {
    await using world = await openWorld()
    await using server = await openServer()
    const { tested } = await opened(world, server, { token: 'a text' })
    using _ = tested
    warn(server)
    const told = new Promise((resolve) => tested.client.namespace(posts).on('room:lost', resolve))
    server.visitors[0]?.say('room:lost', { rooms: [{ kind: 'user', id: 'a' }] }, 'e.0')
    await told
    expect([server.refreshed, tested.clock.timers]).toEqual([[], 0])
  })

  it.each([true, false])('is shown as a command where the application is on /auth itself: %s', async (ok) => {
    await using world = await openWorld()
    await using server = await openServer()
    const commands: unknown[] = []
    server.server.of('/auth').on('connection', (socket) => {
      socket.on('authenticate', (input, answer) => {
        commands.push(input)
        answer(ok ? { ok } : { ok, error: { code: 'token_invalid', message: 'No.', retry: false } })
      })
      socket.emit('auth:expiring', { expiresAt: 'soon', _meta: { id: 'e.0', at: '' } }, 'e.0')
    })
    const { token } = source()
    using tested = openClient(world, { url: server.url, token })
    const auth = tested.client.namespace({ ...news, name: '/auth' as const })
    auth.onReset(() => {})
    await until(() => commands.length === 1)
    expect([commands, server.refreshed]).toEqual([[{ token: 'token 2' }], ['token 1']])
    await until(() => tested.clock.timers === 0)
    expect(auth.state.get().status).toBe('open')
    const later = tested.client.namespace(news)
    later.onReset(() => {})
    await isOpen(later)
    expect(server.entered).toEqual([ok ? 'token 2' : 'token 1'])
  })
})

describe('a session that ended with its token', () => {
  const expire = ({ say, socket }: Visitor) => {
    say('session:closing', { code: 'token_expired', message: 'It has expired.', retry: false }, 'e.0')
    socket.disconnect()
  }

  it('comes back with a fresh one, as who it was', async () => {
    await using world = await openWorld()
    await using server = await openServer()
    const { token, reasons } = source()
    const { tested, live } = await opened(world, server, { token })
    using _ = tested
    const command = live.command('post:view', { id: 'kept' }, { repeat: true })
    expire(server.visitors[0] as Visitor)
    await until(() => server.visitors.length === 2)
    await isOpen(live)
    expect(live.state.get()).toEqual({ status: 'open', recovered: true })
    expect([reasons, server.shown[1]]).toEqual([
      ['first', 'expired'],
      { pid: server.given[0], offset: 'e.0' },
    ])
    expect(await command).toEqual({ id: 'kept' })
    expect(tested.states).toEqual(['idle', 'connecting', 'connected', 'connecting', 'connected'])
  })

  it('stays ended where the token is a text', async () => {
    await using world = await openWorld()
    await using server = await openServer()
    const { tested, live } = await opened(world, server, { token: 'a text' })
    using _ = tested
    expire(server.visitors[0] as Visitor)
    await becomes(live, 'ended')
    expect(live.state.get()).toMatchObject({ code: 'token_expired', message: 'It has expired.' })
  })
})

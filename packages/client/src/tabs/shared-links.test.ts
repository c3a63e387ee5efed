/** Tabs that share a connection: all of them see what the one that holds it sees. */
import { realtimeNamespace } from '@belfry/contract'
import { describe, expect, it } from 'vitest'
import { waitingMax } from '../commands.ts'
import { opening, type WaitReason } from '../states.ts'
import { becomes, connectionOf, hears, openedTabs, openTabWorld, say } from '../testing/tab-world.ts'

const meta = { id: 'e.1', at: '2030-01-01T00:00:00Z' }
const room = { kind: 'user', id: 'a' }

describe('tabs', () => {
  it('open nothing before something is used', async () => {
    using world = openTabWorld()
    const tab = world.tab()
    tab.live.state.subscribe(() => {})
    tab.client.connect()
    expect(tab.client.state.get()).toEqual({ status: 'idle' })
    expect(world.locks.held()).toEqual([])
    tab.client.close()
    tab.listen()
    expect(tab.live.state.get()).toEqual({ status: 'closed' })
    expect(world.locks.held()).toEqual([])
  })

  it('use a namespace once, and leave it when none of them uses it any more', async () => {
    using world = openTabWorld()
    const [leader, follower] = await openedTabs(world)
    const [connection] = leader.connections
    expect(follower?.connections).toEqual([])
    expect(connection?.namespaces.size).toBe(1)
    leader.live.close()
    await becomes(leader, 'idle')
    expect(leader.client.state.get()).toEqual({ status: 'idle' })
    expect(connection?.namespaces.size).toBe(1)
    follower?.live.close()
    await expect.poll(() => connection?.namespaces.size).toBe(0)
    expect(follower?.client.state.get()).toEqual({ status: 'idle' })
    follower?.listen()
    await expect.poll(() => connection?.namespaces.size).toBe(1)
    connection?.letIn()
    await becomes(follower as never, 'open')
    expect(leader.live.state.get()).toEqual({ status: 'idle' })
  })

  it('see the same states, with their reasons', async () => {
    using world = openTabWorld()
    const tabs = await openedTabs(world, 2)
    const connection = await connectionOf(tabs[0])
    const link = connection.namespaces.get('/realtime')
    const reason: WaitReason = 'line_lost'
    const waiting = { status: 'waiting', attempt: 2, retryAt: 7, reason, message: 'Lost.' } as const
    link?.state.set(waiting)
    connection.state.set(waiting)
    for (const { live, client } of tabs) {
      await expect.poll(() => client.state.get(), { interval: 1 }).toEqual(waiting)
      expect(live.state.get()).toEqual(waiting)
    }
    link?.state.set({ status: 'open', recovered: true })
    connection.state.set({ status: 'connected' })
    for (const { live, client, heard } of tabs) {
      await expect.poll(() => client.state.get(), { interval: 1 }).toEqual({ status: 'connected' })
      expect(live.state.get()).toEqual({ status: 'open', recovered: true })
      expect(heard).toEqual([])
    }
    const refused = { status: 'refused', code: 'token_invalid', message: 'No.' } as const
    link?.state.set(refused)
    connection.state.set(refused)
    for (const { live, client } of tabs) {
      await expect.poll(() => client.state.get(), { interval: 1 }).toEqual(refused)
      expect(live.state.get()).toEqual(refused)
    }
  })

  it('that come later miss nothing, and hear the terms of the session', async () => {
    using world = openTabWorld()
    const [leader] = await openedTabs(world, 0)
    const connection = await connectionOf(leader)
    connection.namespaces.get('/realtime')?.state.set({ status: 'open', recovered: true })
    connection.say('session:started', { pid: 'p' }, meta)
    const later = world.tab()
    const terms: unknown[] = []
    later.live.on('session:started', (data, given) => terms.push(data, given))
    later.listen()
    await becomes(later, 'open')
    expect(later.live.state.get()).toEqual({ status: 'open', recovered: false })
    await expect.poll(() => terms).toEqual([{ pid: 'p' }, meta])
    expect(later.heard).toEqual([])
    connection.namespaces.get('/realtime')?.state.set({ status: 'opening' })
    const last = world.tab()
    last.live.on('session:started', () => last.heard.push('terms of a session that is over'))
    last.listen()
    await expect.poll(() => last.client.state.get().status, { interval: 1 }).toBe('connected')
    connection.letIn()
    await becomes(last, 'open')
    expect(last.heard).toEqual([])
  })

  it('hear what listeners of another tab have done to an event', async () => {
    using world = openTabWorld()
    const [leader, follower] = await openedTabs(world)
    leader.live.on('system:message', (data) => {
      data.message = 'changed'
    })
    say(await connectionOf(leader), 'as it came', meta)
    await hears(follower as never, ['as it came'])
  })

  it('get answers in their order among events, and bytes as bytes', async () => {
    using world = openTabWorld()
    const [leader, follower] = await openedTabs(world)
    const connection = await connectionOf(leader)
    const answer = follower?.live.command('room:join', { room }).then((given) => {
      follower.heard.push(`answer: ${JSON.stringify(given)}`)
    })
    await expect.poll(() => connection.sent.length, { interval: 1 }).toBe(1)
    say(connection, 'before')
    connection.sent[0]?.answer({ ok: true, data: { position: new Uint8Array([1]) } })
    await answer
    say(connection, 'after')
    await hears(follower as never, ['before', 'answer: {"position":{"0":1}}', 'after'])
  })

  it('tell each its own answers', async () => {
    using world = openTabWorld()
    const tabs = await openedTabs(world, 2)
    const connection = await connectionOf(tabs[0])
    const answers = tabs.map(({ live }, index) =>
      live.command('room:join', { room: { kind: 'user', id: `${index}` } }),
    )
    await expect.poll(() => connection.sent.length, { interval: 1 }).toBe(3)
    for (const { payload, answer } of connection.sent.toReversed())
      answer({ ok: true, data: { position: (payload as { room: { id: string } }).room.id } })
    expect(await Promise.all(answers)).toEqual([{ position: '0' }, { position: '1' }, { position: '2' }])
  })

  it('refuse what cannot be sent to another tab', async () => {
    using world = openTabWorld()
    const [, follower] = await openedTabs(world)
    const command = follower?.live.command('room:join', { room: { kind: 'user', id: (() => {}) as never } })
    await expect(command).rejects.toMatchObject({ code: 'validation_failed', retry: false })
  })

  it('of another user have a connection of their own, also after a change of users', async () => {
    using world = openTabWorld()
    let user = 'bob'
    const [leader] = await openedTabs(world, 0)
    const tab = world.tab({ user: () => user })
    tab.listen()
    const connection = await connectionOf(tab)
    connection.letIn()
    await becomes(tab, 'open')
    say(await connectionOf(leader), 'for ana')
    await hears(leader, ['for ana'])
    expect(tab.heard).toEqual([])
    user = 'ana'
    tab.client.close()
    expect(connection.state.get()).toEqual({ status: 'closed' })
    tab.client.connect()
    await becomes(tab, 'open')
    expect(tab.connections).toHaveLength(1)
    expect(tab.heard).toEqual(['reset: closed'])
  })

  it.each([
    ['server', { url: 'http://elsewhere' }],
    ['path', { socket: { path: '/elsewhere' } }],
    ['workspace', { workspaceId: 'acme' }],
  ])('of another %s have a connection of their own', async (_what, client) => {
    using world = openTabWorld()
    await openedTabs(world, 0)
    const tab = world.tab({ client })
    tab.listen()
    await connectionOf(tab)
  })

  it('use the tokens of the user that they all have, also when the page has another one by now', async () => {
    using world = openTabWorld()
    let user = 'ana'
    const [leader] = await openedTabs(world, 0)
    const tab = world.tab({ user: () => user })
    tab.listen()
    await becomes(tab, 'open')
    user = 'bob'
    leader.client.close()
    await connectionOf(tab)
    expect(tab.users).toEqual(['ana'])
  })

  it('that are told to connect tell the one that leads', async () => {
    using world = openTabWorld()
    const [leader, follower] = await openedTabs(world)
    const connection = await connectionOf(leader)
    follower?.client.connect()
    await expect.poll(() => connection.connects).toBe(1)
  })

  it('that use anew what has ended let it be tried anew', async () => {
    using world = openTabWorld()
    const [leader] = await openedTabs(world, 0)
    const connection = await connectionOf(leader)
    connection.namespaces.get('/realtime')?.state.set({ status: 'ended', code: 'kicked', message: 'Go.' })
    const later = world.tab()
    later.listen()
    await expect.poll(() => connection.connects).toBe(1)
  })
})

describe('a tab of many', () => {
  it('stays away from what it has left, whatever was on its way', async () => {
    using world = openTabWorld()
    const [leader, follower] = await openedTabs(world)
    const connection = await connectionOf(leader)
    follower?.live.close()
    await Promise.resolve()
    expect(follower?.live.state.get()).toEqual({ status: 'idle' })
    connection.namespaces.get('/realtime')?.state.set({ status: 'opening' })
    connection.letIn()
    say(connection, 'the last')
    await hears(leader, ['the last'])
    await new Promise(setImmediate)
    expect(follower?.states).toEqual(['opening', 'open', 'idle'])
  })

  it('takes no answer of a line that broke for one of the next', async () => {
    using world = openTabWorld()
    const [leader, follower] = await openedTabs(world)
    const connection = await connectionOf(leader)
    const answer = follower?.live.command('room:join', { room }, { key: 'k' })
    await expect.poll(() => connection.sent.length, { interval: 1 }).toBe(1)
    const waiting = { status: 'waiting', attempt: 1, retryAt: 7, reason: 'line_lost', message: '' } as const
    connection.namespaces.get('/realtime')?.state.set(waiting)
    connection.letIn()
    await expect.poll(() => connection.sent.length, { interval: 1 }).toBe(2)
    for (const [index, { answer: give }] of connection.sent.entries())
      give({ ok: true, data: { position: `${index}` } })
    expect(await answer).toEqual({ position: '1' })
  })
})

describe('rooms of the session that they share', () => {
  it('are left when no tab is in them any more', async () => {
    using world = openTabWorld()
    const tabs = await openedTabs(world, 2)
    const connection = await connectionOf(tabs[0])
    const names = () => connection.sent.map(({ name }) => name)
    const run = async (index: number, name: 'room:join' | 'room:leave', ok = true) => {
      const before = connection.sent.length
      const done = tabs[index]?.live.command(name, { room }).catch(() => 'refused')
      await Promise.race([done, expect.poll(() => connection.sent.length, { interval: 1 }).toBe(before + 1)])
      connection.sent[before]?.answer(ok ? { ok } : { ok, error: { code: 'forbidden' } })
      return done
    }
    for (const index of [0, 1, 2]) await run(index, 'room:join')
    await run(0, 'room:leave')
    await run(0, 'room:leave')
    tabs[1]?.client.close()
    await run(2, 'room:join')
    expect(names()).toEqual(['room:join', 'room:join', 'room:join', 'room:join'])
    expect(await run(0, 'room:join', false)).toBe('refused')
    expect(await run(2, 'room:join', false)).toBe('refused')
    // The one that was refused last had been let in before.
    await run(0, 'room:leave')
    expect(names()).not.toContain('room:leave')
    tabs[2]?.live.close()
    await expect.poll(names).toEqual([...Array(6).fill('room:join'), 'room:leave'])
    expect(connection.sent.at(-1)?.payload).toEqual({ room })
  })

  it('are nobody’s that were lost', async () => {
    using world = openTabWorld()
    const [leader, follower] = await openedTabs(world)
    const connection = await connectionOf(leader)
    for (const tab of [leader, follower]) void tab?.live.command('room:join', { room }).catch(() => {})
    await expect.poll(() => connection.sent.length, { interval: 1 }).toBe(2)
    connection.say('room:lost', { rooms: [room] }, meta)
    void leader.live.command('room:leave', { room }).catch(() => {})
    expect(connection.sent.at(-1)?.name).toBe('room:leave')
  })

  it('are nobody’s after the session began anew', async () => {
    using world = openTabWorld()
    const [leader, follower] = await openedTabs(world)
    const connection = await connectionOf(leader)
    for (const tab of [leader, follower]) void tab?.live.command('room:join', { room }).catch(() => {})
    await expect.poll(() => connection.sent.length, { interval: 1 }).toBe(2)
    // More is known of the same session: they stay in it.
    connection.letIn()
    void follower?.live.command('room:leave', { room }).catch(() => {})
    void leader.live.command('room:join', { room }).catch(() => {})
    expect(connection.sent.map(({ name }) => name)).not.toContain('room:leave')
    connection.sent.length = 2
    for (const { state } of connection.namespaces.values()) state.set(opening)
    connection.letIn()
    void leader.live.command('room:leave', { room }).catch(() => {})
    expect(connection.sent.map(({ name }) => name)).toEqual(['room:join', 'room:join', 'room:leave'])
  })
})

it('see how much the session recovered, but for those that came since', async () => {
  using world = openTabWorld()
  const [leader, follower] = await openedTabs(world)
  const connection = await connectionOf(leader)
  const recover = (recoveredEvents?: number) => {
    for (const { state } of connection.namespaces.values())
      state.set({
        status: 'open',
        recovered: true,
        ...(recoveredEvents !== undefined && { recoveredEvents }),
      })
  }
  for (const { state } of connection.namespaces.values()) state.set(opening)
  recover()
  const late = world.tab()
  late.listen()
  await becomes(late, 'open')
  recover(3)
  await expect.poll(() => follower?.live.state.get()).toMatchObject({ recoveredEvents: 3 })
  expect(leader.live.state.get()).toEqual({ status: 'open', recovered: true, recoveredEvents: 3 })
  expect(late.live.state.get()).toEqual({ status: 'open', recovered: false })
  for (const { state } of connection.namespaces.values()) state.set(opening)
  recover()
  await expect.poll(() => late.live.state.get()).toEqual({ status: 'open', recovered: true })
})

it('takes no notice of what is not meant for it, or is said twice', async () => {
  using world = openTabWorld()
  const [leader, follower] = await openedTabs(world)
  const connection = await connectionOf(leader)
  const [all, own] = ['all', 'tab 2'].map((name) => new BroadcastChannel(`${world.name} ${name}`))
  const toNobody = { leader: 'nobody', namespace: '/realtime' }
  own?.postMessage({ ...toNobody, kind: 'leave' })
  own?.postMessage({ ...toNobody, kind: 'namespace', state: { status: 'closed' } })
  own?.postMessage({ ...toNobody, kind: 'event', event: 'system:message', data: { message: 'forged' } })
  own?.postMessage({ ...toNobody, kind: 'welcome' })
  own?.postMessage({ ...toNobody, kind: 'left' })
  all?.postMessage({ kind: 'hello', tab: '2' })
  all?.postMessage({ kind: 'leading', leader: '1' })
  say(connection, 'one')
  await hears(follower as never, ['one'])
  say(connection, 'two')
  await hears(follower as never, ['one', 'two'])
  expect(follower?.states).toEqual(['opening', 'open'])
  expect(connection.namespaces.size).toBe(1)
  const answer = follower?.live.command('room:join', { room })
  await expect.poll(() => connection.sent.length, { interval: 1 }).toBeGreaterThan(0)
  connection.sent[0]?.answer({ ok: true, data: { position: 'p' } })
  await answer
  expect(connection.sent).toHaveLength(1)
  for (const channel of [all, own]) channel?.close()
})

it('holds no more commands for a leader that is not there than for a line', async () => {
  using world = openTabWorld()
  // Somebody leads, and does not answer.
  void world.locks.request(world.lockOfLead, {}, () => new Promise(() => {}))
  const tab = world.tab({ isVisible: false })
  const live = tab.client.namespace(realtimeNamespace)
  const commands = Array.from({ length: waitingMax + 1 }, () => live.command('room:join', { room }))
  await expect(commands.at(-1)).rejects.toMatchObject({ code: 'too_many_requests', retry: true })
  const ends = Promise.allSettled(commands)
  tab.client.close()
  const codes = (await ends).map((end) => (end.status === 'rejected' ? end.reason.code : end.status))
  expect(new Set(codes.slice(0, waitingMax))).toEqual(new Set(['disconnected']))
})

/** Who leads, and what becomes of everything when this changes. */
import { realtimeNamespace } from '@belfry/contract'
import { describe, expect, it } from 'vitest'
import {
  becomes,
  connectionOf,
  hears,
  openedTabs,
  openTabWorld,
  say,
  type TestedTab,
} from '../testing/tab-world.ts'

const room = { kind: 'user', id: 'a' }
const codeOf = (command: Promise<unknown> | undefined) =>
  command?.then(
    () => 'answered',
    ({ code, retry }: { code: string; retry: boolean }) => `${code} ${retry}`,
  )

describe('when the tab that leads goes', () => {
  it('the one that has waited longest leads, and the others hear that something was missed', async () => {
    using world = openTabWorld()
    const [leader, second, third] = (await openedTabs(world, 2)) as [TestedTab, TestedTab, TestedTab]
    const [first] = leader.connections
    leader.client.close()
    expect(first?.state.get()).toEqual({ status: 'closed' })
    const connection = await connectionOf(second)
    for (const { client } of [second, third])
      await expect.poll(() => client.state.get().status, { interval: 1 }).toBe('connecting')
    connection.letIn()
    for (const tab of [second, third]) {
      await becomes(tab, 'open')
      expect(tab.states).toEqual(['opening', 'open', 'waiting', 'opening', 'open'])
      expect(tab.heard).toEqual(['reset: taken-over'])
    }
    expect(third.connections).toEqual([])
    expect(leader.live.state.get()).toEqual({ status: 'closed' })
    leader.client.connect()
    expect(leader.client.state.get()).toEqual({ status: 'connecting', attempt: 1, reason: 'first' })
    await becomes(leader, 'open')
    expect(leader.heard).toEqual(['reset: closed'])
    say(connection, 'for all')
    for (const tab of [leader, second, third]) await hears(tab, [tab.heard[0] ?? '', 'for all'])
    expect(leader.connections).toHaveLength(1)
  })

  it('who had not been let in, or begins anew, has missed nothing', async () => {
    using world = openTabWorld()
    const [leader, follower] = (await openedTabs(world)) as [TestedTab, TestedTab]
    const late = world.tab()
    leader.connections[0]?.namespaces.get('/realtime')?.state.set({ status: 'opening' })
    follower.live.close()
    await becomes(follower, 'idle')
    follower.listen()
    late.listen()
    for (const tab of [follower, late])
      await expect.poll(() => tab.client.state.get(), { interval: 1 }).toEqual({ status: 'connected' })
    leader.client.close()
    const connection = await connectionOf(follower)
    await expect.poll(() => late.states, { interval: 1 }).toEqual(['opening', 'waiting', 'opening'])
    connection.letIn()
    for (const tab of [follower, late]) {
      await becomes(tab, 'open')
      expect(tab.heard).toEqual([])
    }
  })

  it('who leaves the namespace and comes back meanwhile has missed nothing', async () => {
    using world = openTabWorld()
    const [leader, follower] = (await openedTabs(world)) as [TestedTab, TestedTab]
    follower.live.state.subscribe(() => {
      if (follower.live.state.get().status === 'waiting') follower.live.close()
    })
    leader.client.close()
    await expect.poll(() => follower.states, { interval: 1 }).toContain('idle')
    follower.listen()
    const connection = await connectionOf(follower)
    connection.letIn()
    await becomes(follower, 'open')
    expect(follower.heard).toEqual([])
  })

  it('and nobody leads yet, who comes is on the way', async () => {
    using world = openTabWorld()
    const [leader, follower] = (await openedTabs(world)) as [TestedTab, TestedTab]
    const refused = { status: 'refused', code: 'token_invalid', message: 'No.' } as const
    leader.connections[0]?.namespaces.get('/realtime')?.state.set(refused)
    leader.connections[0]?.state.set(refused)
    await expect.poll(() => follower.client.state.get(), { interval: 1 }).toEqual(refused)
    const overheard = new BroadcastChannel(`${world.name} tab 2`)
    const left = new Promise((resolve) => {
      overheard.onmessage = ({ data }) => data.kind === 'left' && resolve(data)
    })
    // Somebody else has the lock now, and says nothing.
    world.locks.request(world.lockOfLead, { steal: true }, () => new Promise(() => {})).catch(() => {})
    await left
    await new Promise(setImmediate)
    overheard.close()
    follower.live.close()
    await becomes(follower, 'idle')
    expect(follower.client.state.get()).toEqual({ status: 'idle' })
    follower.listen()
    expect(follower.client.state.get()).toEqual({ status: 'connecting', attempt: 1, reason: 'first' })
  })

  it.each(['waiting', 'opening', 'open'])(
    'a client may be closed, and connected later, by who hears of %s',
    async (status) => {
      using world = openTabWorld()
      const [leader, follower, third] = (await openedTabs(world, 2)) as [TestedTab, TestedTab, TestedTab]
      const end = follower.live.state.subscribe(() => {
        if (follower.live.state.get().status === status) follower.client.close()
      })
      const other = follower.client.namespace({ ...realtimeNamespace, name: '/other' as const })
      other.onReset(() => {})
      await expect.poll(() => other.state.get().status, { interval: 1 }).toBe('opening')
      leader.client.close()
      await expect
        .poll(() => follower.connections.length + third.connections.length, { interval: 1 })
        .toBeGreaterThan(0)
      follower.connections[0]?.letIn()
      const connection = await connectionOf(third)
      connection.letIn()
      await becomes(third, 'open')
      expect([follower.client, follower.live, other].map(({ state }) => state.get())).toEqual(
        [1, 2, 3].map(() => ({ status: 'closed' })),
      )
      expect(follower.heard).toEqual([])
      end()
      follower.client.connect()
      await becomes(follower, 'open')
      expect(follower.heard).toEqual(['reset: closed'])
      third.client.close()
      await connectionOf(follower, follower.connections.length + 1)
    },
  )

  it('says once that something was missed', async () => {
    using world = openTabWorld()
    const [leader, follower] = (await openedTabs(world)) as [TestedTab, TestedTab]
    leader.client.close()
    const connection = await connectionOf(follower)
    for (const _ of [1, 2]) {
      connection.letIn()
      await becomes(follower, 'open')
      connection.namespaces.get('/realtime')?.state.set({ status: 'opening' })
    }
    expect(follower.heard).toEqual(['reset: taken-over'])
  })

  it('says why the others wait', async () => {
    using world = openTabWorld()
    const [leader, follower] = (await openedTabs(world)) as [TestedTab, TestedTab]
    const seen: unknown[] = []
    follower.client.state.subscribe(() => seen.push(follower.client.state.get()))
    leader.client.close()
    await expect.poll(() => seen.length).toBeGreaterThan(0)
    expect(seen[0]).toEqual({
      status: 'waiting',
      attempt: 1,
      retryAt: world.clock.now(),
      reason: 'line_lost',
      message: 'Another tab takes the connection over.',
    })
  })

  it('commands with a key are sent again by the next one, and those without are lost', async () => {
    using world = openTabWorld()
    const [leader, follower] = (await openedTabs(world)) as [TestedTab, TestedTab]
    const before = await connectionOf(leader)
    const keyed = follower.live.command('room:join', { room }, { key: 'k' })
    const lost = codeOf(follower.live.command('room:join', { room }))
    await expect.poll(() => before.sent.length).toBe(2)
    leader.client.close()
    expect(await lost).toBe('disconnected true')
    const after = await connectionOf(follower)
    after.letIn()
    await expect.poll(() => after.sent).toMatchObject([{ payload: { room, _meta: { key: 'k' } } }])
    before.sent[0]?.answer({ ok: false })
    after.sent[0]?.answer({ ok: true, data: { position: 'p' } })
    expect(await keyed).toEqual({ position: 'p' })
  })

  it('what was refused or has ended stays so until somebody connects', async () => {
    using world = openTabWorld()
    const [leader, follower] = (await openedTabs(world)) as [TestedTab, TestedTab]
    const before = await connectionOf(leader)
    const refused = { status: 'refused', code: 'token_invalid', message: 'No.' } as const
    before.namespaces.get('/realtime')?.state.set(refused)
    before.state.set(refused)
    await expect.poll(() => follower.client.state.get()).toEqual(refused)
    leader.client.close()
    const after = await connectionOf(follower)
    expect(follower.live.state.get()).toEqual(refused)
    expect(follower.client.state.get()).toEqual(refused)
    expect(after.namespaces.size).toBe(0)
    follower.client.connect()
    expect(after.namespaces.size).toBe(1)
    after.letIn()
    await becomes(follower, 'open')
  })

  it('a namespace that is closed meanwhile is not opened again', async () => {
    using world = openTabWorld()
    const [leader, follower] = (await openedTabs(world)) as [TestedTab, TestedTab]
    leader.client.close()
    follower.live.close()
    const connection = await connectionOf(follower)
    await becomes(follower, 'idle')
    expect(connection.namespaces.size).toBe(0)
    expect(follower.client.state.get()).toEqual({ status: 'idle' })
  })

  it('a tab that was put away gives up its place, and comes back as one of the others', async () => {
    using world = openTabWorld()
    const [leader, follower] = (await openedTabs(world)) as [TestedTab, TestedTab]
    leader.change('away')
    expect(leader.connections[0]?.state.get()).toEqual({ status: 'closed' })
    expect(leader.live.state.get()).toMatchObject({ status: 'waiting', reason: 'line_lost' })
    const connection = await connectionOf(follower)
    connection.letIn()
    leader.client.connect()
    leader.change('away')
    leader.change('shown')
    expect(world.clock.timers).toBe(0)
    expect(leader.live.state.get().status).toBe('waiting')
    leader.change('back')
    leader.change('back')
    await becomes(leader, 'open')
    await hears(leader, ['reset: taken-over'])
    expect(leader.connections).toHaveLength(1)
    expect(leader.watchers()).toBe(follower.watchers())
    leader.change('away')
    for (const tab of [leader, follower]) {
      tab.client.close()
      expect(tab.watchers()).toBe(0)
    }
    leader.client.connect()
    await connectionOf(leader, 2)
  })
})

it('leads alone where locks are refused', async () => {
  using world = openTabWorld()
  const refusing = { request: () => Promise.reject(new DOMException('No.', 'SecurityError')) }
  Object.assign(world.locks, refusing)
  const tabs = [world.tab(), world.tab()]
  for (const tab of tabs) {
    tab.listen()
    const connection = await connectionOf(tab)
    connection.letIn()
    await becomes(tab, 'open')
  }
})

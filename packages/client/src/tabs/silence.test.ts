/** A leader that says nothing: who notices, who takes over, and what becomes of it when it goes on. */
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
import { patienceMs, quietMs } from './membership.ts'

describe('a tab that can be seen', () => {
  it('takes over from one that does not answer, which finds out when it goes on', async () => {
    using world = openTabWorld()
    let isStolen = false
    world.locks
      .request(world.lockOfLead, {}, () => new Promise(() => {}))
      .catch(() => {
        isStolen = true
      })
    const tab = world.tab()
    tab.listen()
    await expect.poll(() => world.clock.timers).toBe(1)
    expect(tab.client.state.get()).toEqual({ status: 'connecting', attempt: 1, reason: 'first' })
    world.clock.advance(patienceMs - 1)
    expect(tab.connections).toEqual([])
    world.clock.advance(1)
    const connection = await connectionOf(tab)
    connection.letIn()
    await becomes(tab, 'open')
    expect(isStolen).toBe(true)
    expect(tab.heard).toEqual([])
    expect(world.clock.timers).toBe(0)
  })

  it('asks whether the one that leads is there, after a while of silence, and not before', async () => {
    using world = openTabWorld()
    const [leader, follower] = (await openedTabs(world)) as [TestedTab, TestedTab]
    const said: string[] = []
    const overheard = new BroadcastChannel(`${world.name} tab 2`)
    overheard.onmessage = ({ data }) => said.push(data.kind)
    world.clock.advance(patienceMs)
    for (const times of [1, 2, 3]) {
      world.clock.advance(quietMs - 1)
      expect(said).toHaveLength(2 * (times - 1))
      world.clock.advance(1)
      await expect.poll(() => said, { interval: 1 }).toHaveLength(2 * times)
      expect(said.slice(-2)).toEqual(['ask', 'here'])
      // What is said to one is heard by all who have the channel, in their turn.
      await new Promise(setImmediate)
      world.clock.advance(patienceMs)
    }
    world.clock.advance(quietMs - 1)
    say(leader.connections[0] as never, 'not silent')
    await hears(follower, ['not silent'])
    world.clock.advance(quietMs - 1)
    await new Promise(setImmediate)
    expect(said.filter((kind) => kind === 'ask')).toHaveLength(3)
    overheard.close()
    expect(follower.connections).toEqual([])
    expect(world.clock.timers).toBe(1)
    leader.client.close()
    await connectionOf(follower)
  })

  it('takes over from one that answered before, and does so no more', async () => {
    using world = openTabWorld()
    world.locks.request(world.lockOfLead, {}, () => new Promise(() => {})).catch(() => {})
    const tab = world.tab()
    tab.listen()
    const heard: string[] = []
    const leader = new BroadcastChannel(`${world.name} tab 1`)
    leader.onmessage = ({ data }) => heard.push(data.kind)
    const says = (kind: string, more = {}) =>
      leader.postMessage({ kind, leader: 'not of this test', ...more })
    says('welcome')
    await expect.poll(() => heard, { interval: 1 }).toEqual(['use'])
    world.clock.advance(patienceMs)
    world.clock.advance(quietMs)
    await expect.poll(() => heard, { interval: 1 }).toEqual(['use', 'ask'])
    says('here')
    says('namespace', { namespace: '/realtime', state: { status: 'open', recovered: false } })
    says('connection', { state: { status: 'connected' } })
    await expect.poll(() => tab.client.state.get(), { interval: 1 }).toEqual({ status: 'connected' })
    world.clock.advance(patienceMs)
    world.clock.advance(quietMs - 1)
    await new Promise(setImmediate)
    expect(heard).toHaveLength(2)
    world.clock.advance(1)
    await expect.poll(() => heard, { interval: 1 }).toEqual(['use', 'ask', 'ask'])
    expect(tab.connections).toEqual([])
    world.clock.advance(patienceMs)
    const connection = await connectionOf(tab)
    connection.letIn()
    await hears(tab, ['reset: taken-over'])
    leader.close()
  })

  it('that followed somebody who leads no more finds who does', async () => {
    using world = openTabWorld()
    const [leader] = await openedTabs(world, 0)
    const late = world.tab()
    late.listen()
    const stale = new BroadcastChannel(`${world.name} tab 2`)
    const heard: string[] = []
    stale.onmessage = ({ data }) => heard.push(`${data.leader} ${data.kind}`)
    stale.postMessage({ kind: 'welcome', leader: 'stale' })
    await expect.poll(() => heard, { interval: 1 }).toContain('stale use')
    stale.postMessage({ kind: 'left', leader: 'stale' })
    await becomes(late, 'open')
    expect(heard).toContain('1 namespace')
    say(await connectionOf(leader), 'for all')
    await hears(late, ['for all'])
    stale.close()
  })

  it('whose lock is taken away follows again, with all who followed it', async () => {
    using world = openTabWorld()
    const [leader, follower] = (await openedTabs(world)) as [TestedTab, TestedTab]
    let giveBack = () => {}
    void world.locks.request(
      world.lockOfLead,
      { steal: true },
      () =>
        new Promise((resolve) => {
          giveBack = resolve
        }),
    )
    for (const tab of [leader, follower]) await becomes(tab, 'waiting')
    expect(leader.connections[0]?.state.get()).toEqual({ status: 'closed' })
    giveBack()
    const connection = await connectionOf(follower)
    connection.letIn()
    for (const tab of [leader, follower]) {
      await becomes(tab, 'open')
      expect(tab.heard).toEqual(['reset: taken-over'])
    }
    expect(leader.connections).toHaveLength(1)
    follower.client.close()
    await connectionOf(leader, 2)
  })
})

describe('a tab that nobody sees', () => {
  it('judges no other until somebody sees it', async () => {
    using world = openTabWorld()
    world.locks.request(world.lockOfLead, {}, () => new Promise(() => {})).catch(() => {})
    const tab = world.tab({ isVisible: false })
    tab.listen()
    await expect.poll(() => world.locks.waiting(world.lockOfLead)).toBe(1)
    expect(world.clock.timers).toBe(0)
    tab.page.isVisible = true
    tab.change('shown')
    tab.page.isVisible = false
    world.clock.advance(patienceMs)
    await new Promise(setImmediate)
    expect(tab.connections).toEqual([])
    tab.page.isVisible = true
    tab.change('shown')
    world.clock.advance(patienceMs)
    await connectionOf(tab)
  })
})

/** Tabs of a browser that share a connection: what each of them hears, sends and leaves. */
import type { UserId } from '@belfry/contract'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { launch } from '../browser/browser.ts'
import { posts } from '../protocol/namespaces.ts'
import { until } from '../protocol/until.ts'
import { bob, count } from '../protocol/world.ts'
import { sessionsOf } from './client-world.ts'
import type { TabWindow } from './tab-program.ts'
import { agree, hears, inTab, isOpen, leaderAmong, openInTurn, openTabs, statusOf } from './tab-world.ts'

let browser: Browser
beforeAll(async () => {
  browser = await launch()
})
afterAll(() => browser.close())

describe('five tabs of a user', () => {
  it('have one connection and one session, and each hears every event once and in order', async () => {
    await using tabs = await openTabs(browser)
    const { world } = tabs
    const pages = await Promise.all(count(5).map(() => tabs.open()))
    await Promise.all(pages.map(isOpen))
    expect(world.realtime.connections.size).toBe(1)
    expect(sessionsOf(world)).toHaveLength(1)
    for (const n of count(100)) await world.publish(posts, 'post:created', { n })
    for (const page of pages) await hears(page, count(100))
    for (const page of pages) expect(await inTab(page, (tab) => tab.resets)).toEqual([])
    await leaderAmong(pages)
    expect(world.realtime.counts.opened).toBe(1)
  })

  it('send commands with bytes, and get the answers in the order of the events', async () => {
    await using tabs = await openTabs(browser)
    const [, follower] = (await openInTurn(tabs, 2)) as [Page, Page]
    const answer = await inTab(follower, async ({ live }) => {
      const { image } = await live.command('post:draw', { image: new Uint8Array([1, 2, 3]) })
      return `${Object.prototype.toString.call(image)} ${image.join()}`
    })
    expect(answer).toBe('[object Uint8Array] 3,2,1')
    await inTab(follower, ({ live, resets }) => {
      live.on('post:drawn', ({ image }) => resets.push(`${Object.prototype.toString.call(image)} ${image}`))
    })
    await tabs.world.publish(posts, 'post:drawn', { n: 1, image: Buffer.from([8, 9]) })
    await until(async () => (await inTab(follower, ({ resets }) => resets.length)) === 1)
    expect(await inTab(follower, ({ resets }) => resets)).toEqual(['[object Uint8Array] 8,9'])
  })

  it('and one of another user have two connections', async () => {
    await using tabs = await openTabs(browser)
    const { world } = tabs
    const pages = await openInTurn(tabs, 2)
    const other = await tabs.open({ user: 'bob', token: world.token(bob) })
    await isOpen(other)
    expect(world.realtime.connections.size).toBe(2)
    await world.publish(posts, 'post:created', { n: 1 }, { kind: 'user', id: 'ana' })
    await world.publish(posts, 'post:created', { n: 2 }, { kind: 'user', id: 'bob' })
    for (const page of pages) await hears(page, [1])
    await hears(other, [2])
  })

  it('do not connect with the token of somebody else', async () => {
    await using tabs = await openTabs(browser)
    const { world } = tabs
    const page = await tabs.open({ user: 'ana', token: world.token(bob) })
    const follower = await tabs.open()
    for (const each of [page, follower]) {
      await until(async () => (await statusOf(each)) === 'waiting')
      expect(await inTab(each, ({ client }) => client.state.get())).toMatchObject({
        reason: 'token_failed',
        message: 'The token is of another user than these tabs.',
      })
    }
    expect(world.realtime.counts.opened).toBe(0)
    await page.close()
    await agree(tabs, [follower], 1)
  })
})

describe('a tab', () => {
  it('that leaves a namespace leaves it alone; the last one ends the session', async () => {
    await using tabs = await openTabs(browser)
    const pages = await openInTurn(tabs, 3)
    const [leader, follower, last] = pages as [Page, Page, Page]
    for (const page of [leader, follower]) {
      await inTab(page, ({ live }) => live.close())
      await until(async () => (await statusOf(page)) === 'idle')
      expect(await inTab(page, ({ client }) => client.state.get())).toEqual({ status: 'idle' })
    }
    await agree(tabs, [last], 1)
    expect(await inTab(leader, ({ heard }) => heard)).toEqual([])
    await inTab(last, ({ live }) => live.close())
    await tabs.world.connections(0)
  })

  it('that is told to connect does so for all of them', async () => {
    await using tabs = await openTabs(browser)
    const pages = await openInTurn(tabs, 3)
    tabs.world.realtime.disconnectUser('ana' as UserId)
    for (const page of pages) await until(async () => (await statusOf(page)) === 'ended')
    for (const page of pages)
      expect(await inTab(page, ({ live }) => live.state.get())).toMatchObject({ code: 'kicked' })
    await tabs.world.connections(0)
    await inTab(pages[2] as Page, ({ client }) => client.connect())
    await agree(tabs, pages, 1)
  })

  it('that is opened after the session was ended tries anew', async () => {
    await using tabs = await openTabs(browser)
    const [page] = (await openInTurn(tabs, 1)) as [Page]
    tabs.world.realtime.disconnectUser('ana' as UserId)
    await until(async () => (await statusOf(page)) === 'ended')
    await agree(tabs, [page, await tabs.open()], 1)
  })

  it('in a room stays there while another one leaves it', async () => {
    await using tabs = await openTabs(browser)
    const pages = await openInTurn(tabs, 3)
    const [one, two, three] = pages as [Page, Page, Page]
    const roomsOf = () => sessionsOf(tabs.world)[0]?.rooms.map(({ name }) => name) ?? []
    const isIn = () => roomsOf().some((room) => room.includes('thread'))
    const command = (page: Page, name: 'room:join' | 'room:leave') =>
      page.evaluate(
        (each) =>
          (window as unknown as TabWindow).tab.live.command(each, { room: { kind: 'thread', id: 'a' } }),
        name,
      )
    for (const page of [one, two, three]) await command(page, 'room:join')
    expect(isIn()).toBe(true)
    await command(one, 'room:leave')
    await two.close()
    await inTab(three, (tab) => tab.view('something'))
    expect(isIn()).toBe(true)
    await three.close()
    await until(() => !isIn())
    expect(sessionsOf(tabs.world)).toHaveLength(1)
  })

  it('hears nothing of what is no message of ours', async () => {
    await using tabs = await openTabs(browser)
    const pages = await openInTurn(tabs, 2)
    const stranger = await tabs.open({ isIdle: true })
    await stranger.evaluate(async () => {
      const { held = [], pending = [] } = await navigator.locks.query()
      const names = [...held, ...pending].map(({ name = '' }) => name)
      const all = names.find((name) => name.endsWith(' lead'))?.replace(/ lead$/, ' all') ?? ''
      const values = [
        undefined,
        null,
        'hello',
        7,
        {},
        { kind: 'hello' },
        { kind: 'constructor' },
        { kind: 'hello', tab: 'nobody' },
      ]
      for (const name of [all, ...names]) {
        const channel = new BroadcastChannel(name)
        for (const value of values) channel.postMessage(value)
        for (const kind of [
          'use',
          'namespace',
          'command',
          'event',
          'answer',
          'welcome',
          'left',
          'connection',
        ])
          channel.postMessage({ kind, leader: 'nobody', namespace: '/posts' })
        channel.close()
      }
    })
    await agree(tabs, pages, 1)
    for (const page of pages) expect(await inTab(page, ({ resets }) => resets)).toEqual([])
  })
})

describe('where the browser', () => {
  it.each([
    ['has no locks', () => Object.defineProperty(navigator, 'locks', { value: undefined })],
    ['has no channels', () => Object.defineProperty(window, 'BroadcastChannel', { value: undefined })],
    [
      'refuses locks',
      () => {
        const refuse = () => Promise.reject(new DOMException('No.', 'SecurityError'))
        Object.defineProperty(navigator.locks ?? {}, 'request', { value: refuse })
      },
    ],
  ])('%s, each tab has a connection of its own', async (_what, spoil) => {
    await using tabs = await openTabs(browser)
    await tabs.context.addInitScript(spoil)
    const pages = [await tabs.open(), await tabs.open()]
    await Promise.all(pages.map(isOpen))
    await tabs.world.connections(2)
    await tabs.world.publish(posts, 'post:created', { n: 1 })
    for (const page of pages) await hears(page, [1])
  })
})

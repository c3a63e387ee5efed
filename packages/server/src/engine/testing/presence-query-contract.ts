/**
 * What every `PresenceQuery` must do, rule by rule (see ports/presence-query.ts). An adapter's tests call
 * this with a world in which users come, change their status and go.
 */
import type { UserId, WorkspaceId } from '@belfry/contract'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import {
  type OnlineUsersPage,
  onlineUsersLimitMax,
  type PresenceQuery,
  type PresenceStatus,
} from '../ports/presence-query.ts'

export interface PresenceWorld extends AsyncDisposable {
  readonly presence: PresenceQuery
  /** Resolves when the presence knows it. */
  set(userId: UserId, status: PresenceStatus, workspaces: readonly WorkspaceId[]): Promise<void>
}

const acme = 'acme' as WorkspaceId
const beta = 'beta' as WorkspaceId
const ana = 'ana' as UserId
const ben = 'ben' as UserId
const present = ['online', 'away', 'busy', 'dnd'] as const

export function describePresenceQueryContract(
  adapter: string,
  makeWorld: () => Promise<PresenceWorld>,
): void {
  describe(`Presence query contract: ${adapter}`, () => {
    let world: PresenceWorld
    let presence: PresenceQuery

    beforeEach(async () => {
      world = await makeWorld()
      presence = world.presence
    })
    afterEach(async () => world[Symbol.asyncDispose]())

    const listed = async (workspaceId = acme) =>
      (await allPages(workspaceId, 2))
        .flatMap(({ users }) => users)
        .map(({ userId, status }) => `${userId} ${status}`)

    const allPages = async (workspaceId: WorkspaceId, limit: number, between = async () => {}) => {
      const pages: OnlineUsersPage[] = []
      let cursor: string | undefined
      do {
        const page = await presence.onlineUsers({
          workspaceId,
          limit,
          ...(cursor === undefined ? {} : { cursor }),
        })
        pages.push(page)
        if (pages.length > 1000) throw new Error('The pages have no end.')
        cursor = page.nextCursor
        await between()
      } while (cursor !== undefined)
      return pages
    }

    it('[PQ1] knows nobody it has not heard of', async () => {
      expect(await presence.isOnline(ana)).toBe(false)
      expect(await presence.statusOf([ana])).toEqual(new Map([[ana, 'offline']]))
      expect(await presence.onlineUsers({ workspaceId: acme, limit: 5 })).toEqual({
        users: [],
        total: 0,
        nextCursor: undefined,
      })
      await world.set(ben, 'online', [acme])
      expect(await presence.isOnline(ana)).toBe(false)
      expect(await presence.isOnline('ANA' as UserId)).toBe(false)
      expect(await presence.isOnline('__proto__' as UserId)).toBe(false)
      expect((await presence.statusOf(['constructor' as UserId])).get('constructor' as UserId)).toBe(
        'offline',
      )
    })

    it.each(present)('[PQ2] takes %s for being there, in all three answers', async (status) => {
      await world.set(ana, status, [acme])
      expect(await presence.isOnline(ana)).toBe(true)
      expect((await presence.statusOf([ana])).get(ana)).toBe(status)
      expect(await listed()).toEqual([`ana ${status}`])
    })

    it('[PQ2] follows every change, to offline and back', async () => {
      for (const status of [
        'online',
        'dnd',
        'offline',
        'offline',
        'away',
        'busy',
        'offline',
        'online',
      ] as const) {
        await world.set(ana, status, [acme])
        const isThere = status !== 'offline'
        expect(await presence.isOnline(ana)).toBe(isThere)
        expect((await presence.statusOf([ana])).get(ana)).toBe(status)
        expect(await listed()).toEqual(isThere ? [`ana ${status}`] : [])
      }
    })

    it('[PQ3] answers for each user it is asked about, and for nobody else', async () => {
      await world.set(ana, 'busy', [acme])
      await world.set(ben, 'away', [])
      await world.set('eve' as UserId, 'online', [acme])
      const asked = [ben, 'nobody', ana, ben].map((id) => id as UserId)
      expect(await presence.statusOf(asked)).toEqual(
        new Map([
          [ana, 'busy'],
          [ben, 'away'],
          ['nobody', 'offline'],
        ]),
      )
      expect(await presence.statusOf([])).toEqual(new Map())
    })

    it('[PQ3] answers for ten thousand users at once', async () => {
      await world.set(ana, 'dnd', [acme])
      const asked = [...userIds(10_000), ana]
      const answer = await presence.statusOf(asked)
      expect(answer.size).toBe(10_001)
      expect(answer.get(ana)).toBe('dnd')
      expect([...answer.values()].filter((status) => status === 'offline')).toHaveLength(10_000)
    })

    it('[PQ4] names the users of the workspace it is asked about, and nobody of another one', async () => {
      await world.set(ana, 'online', [acme, beta])
      await world.set(ben, 'away', [beta])
      await world.set('cat' as UserId, 'busy', [])
      expect(await listed(acme)).toEqual(['ana online'])
      expect((await listed(beta)).sort()).toEqual(['ana online', 'ben away'])
      expect(await listed('acm' as WorkspaceId)).toEqual([])
      await world.set(ana, 'online', [beta])
      expect(await listed(acme)).toEqual([])
    })

    it('[PQ4] [PQ6] gives pages of at most the limit, each user once, and the total with each', async () => {
      const users = userIds(11)
      for (const userId of mixed(users)) await world.set(userId, 'online', [acme])
      await world.set(ana, 'online', [beta])
      for (const limit of [1, 3, 10, 11, 12]) {
        const pages = await allPages(acme, limit)
        expect(pages).toHaveLength(Math.ceil(11 / limit))
        for (const page of pages) {
          expect(page.users.length).toBeLessThanOrEqual(limit)
          expect(page.users.length).toBeGreaterThan(0)
          expect(page.total).toBe(11)
        }
        expect(pages.flatMap((page) => page.users.map(({ userId }) => userId)).sort()).toEqual(users)
      }
    })

    it('[PQ4] gives no more than its own bound, whoever asks for more', async () => {
      const users = userIds(onlineUsersLimitMax + 1)
      for (const userId of mixed(users)) await world.set(userId, 'online', [acme])
      const pages = await allPages(acme, 1_000_000)
      expect(pages.map((page) => page.users.length)).toEqual([onlineUsersLimitMax, 1])
    })

    it.each([0, -1, Number.NaN])('[PQ4] refuses a page of %d users', async (limit) => {
      await expect(presence.onlineUsers({ workspaceId: acme, limit })).rejects.toThrow(RangeError)
    })

    it('[PQ5] misses nobody and names nobody twice while others come and go', async () => {
      const users = userIds(30)
      const staying = users.filter((_, n) => n % 3 === 0)
      for (const userId of mixed(users)) await world.set(userId, 'online', [acme])
      let step = 0
      const pages = await allPages(acme, 4, async () => {
        for (const [n, userId] of users.entries()) {
          if (n % 3 === 0) continue
          await world.set(userId, (n + step) % 2 === 0 ? 'offline' : 'online', [acme])
        }
        await world.set(`a-newcomer-${step}` as UserId, 'online', [acme])
        await world.set(`z-newcomer-${step}` as UserId, step < 5 ? 'online' : 'offline', [acme])
        step += 1
      })
      const found = pages.flatMap((page) => page.users.map(({ userId }) => userId))
      expect(new Set(found).size).toBe(found.length)
      expect(found.filter((userId) => staying.includes(userId)).sort()).toEqual(staying)
    })

    it('[PQ5] goes on after the user it stopped at has left', async () => {
      for (const userId of mixed(userIds(4)).reverse()) await world.set(userId, 'online', [acme])
      const first = await presence.onlineUsers({ workspaceId: acme, limit: 2 })
      for (const { userId } of first.users) await world.set(userId, 'offline', [acme])
      const rest = await presence.onlineUsers({ workspaceId: acme, limit: 5, cursor: first.nextCursor ?? '' })
      const found = [...first.users, ...rest.users].map(({ userId }) => userId)
      expect(found.sort()).toEqual(userIds(4))
      expect(rest.total).toBe(2)
    })
  })
}

/** In an order that is neither that of their names nor its reverse. */
function mixed(users: readonly UserId[]): UserId[] {
  return users.toSorted((one, other) => (turned(one) < turned(other) ? -1 : 1))
}

function turned(userId: UserId): string {
  return [...userId].reverse().join('')
}

function userIds(count: number): UserId[] {
  return Array.from({ length: count }, (_, n) => `user-${String(n).padStart(5, '0')}` as UserId)
}

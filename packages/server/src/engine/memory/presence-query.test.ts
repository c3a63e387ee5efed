/** The presence that is said: the contract. */
import type { UserId, WorkspaceId } from '@belfry/contract'
import { expect, it } from 'vitest'
import { describePresenceQueryContract } from '../testing/presence-query-contract.ts'
import { createMemoryPresence } from './presence-query.ts'

describePresenceQueryContract('memory', async () => {
  const presence = createMemoryPresence()
  return {
    presence,
    set: async (userId, status, workspaces) => presence.set(userId, status, workspaces),
    async [Symbol.asyncDispose]() {},
  }
})

it('answers whether somebody is online at once', () => {
  const presence = createMemoryPresence()
  presence.set('ana' as UserId, 'away')
  expect(presence.isOnline('ana' as UserId)).toBe(true)
})

it('takes a user without workspaces for online, and on no list', async () => {
  const presence = createMemoryPresence()
  presence.set('ana' as UserId, 'online')
  expect(await presence.isOnline('ana' as UserId)).toBe(true)
  const page = await presence.onlineUsers({ workspaceId: 'acme' as WorkspaceId, limit: 5 })
  expect(page.users).toEqual([])
})

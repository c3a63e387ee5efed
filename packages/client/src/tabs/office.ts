/** The tab that leads: what it says to each of the others, and how it notices that one of them went. */
import type { Links } from '../link.ts'
import { hold, type Locks } from './locks.ts'
import { type Channel, type FromLeader, openChannel } from './messages.ts'
import { createRelay, type Relay } from './relay.ts'

export interface Office {
  /** Of this tab. */
  readonly receive: (message: Parameters<Relay['receive']>[1]) => void
  attach(tab: string): void
  close(): void
}

interface Follower {
  readonly channel: Channel
  stopWatching(): void
}

export function openOffice(parts: {
  readonly tab: string
  /** Of the channel, and of the lock, of a tab. */
  readonly nameOf: (tab: string) => string
  readonly locks: Locks
  readonly links: Links
  readonly onError: (error: unknown) => void
  /** Said to this tab itself. */
  readonly hear: (message: FromLeader) => void
}): Office {
  const { tab: leader, nameOf, locks, onError } = parts
  const relay = createRelay(parts.links, leader)
  relay.attach(leader, parts.hear)
  /** As many as there are pages that hold their lock. */
  const followers = new Map<string, Follower>()

  function post(tab: string, message: FromLeader): void {
    followers.get(tab)?.channel.post({ ...message, leader })
  }

  function attach(tab: string): void {
    const channel = openChannel(
      nameOf(tab),
      (message) => {
        if (!('leader' in message) || message.leader !== leader) return
        if (message.kind === 'ask') post(tab, { kind: 'here' })
        else relay.receive(tab, message as Parameters<Relay['receive']>[1])
      },
      onError,
    )
    followers.set(tab, {
      channel,
      stopWatching: hold(locks, nameOf(tab), { onHeld: () => gone(tab) }),
    })
    relay.attach(tab, (message) => post(tab, message))
  }

  function gone(tab: string): void {
    const follower = followers.get(tab)
    if (follower === undefined) return
    followers.delete(tab)
    follower.stopWatching()
    follower.channel.close()
    relay.detach(tab)
  }

  return {
    receive: (message) => relay.receive(leader, message),
    attach(tab) {
      if (!followers.has(tab)) attach(tab)
      post(tab, { kind: 'welcome' })
    },
    close() {
      relay.stop()
      for (const [tab, { channel, stopWatching }] of followers) {
        post(tab, { kind: 'left' })
        stopWatching()
        channel.close()
      }
      followers.clear()
    },
  }
}

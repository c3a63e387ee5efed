/**
 * A tab among the others: who leads them, and how this one reaches the leader.
 *
 *   joining → following    a leader answered
 *           → leading      nobody leads; or nobody answered in time, and the lock was taken away from who did not
 *   following → joining    the leader left, or another one leads now
 *             → leading    the leader is gone, and this tab had waited longest for its lock; or it is silent
 *   leading → joining      the lock was taken away: this tab had been silent
 *   any → apart            `leave()`
 *
 * Who has the lock leads. A browser gives it to the next one when a tab is closed or crashes. A tab that stands still
 * keeps it; so a tab that can be seen looks whether its leader still answers.
 */
import type { Clock } from '../clock.ts'
import type { Links } from '../link.ts'
import { hold, type Locks } from './locks.ts'
import { type FromLeader, type FromTab, type Message, openChannel } from './messages.ts'
import { type Office, openOffice } from './office.ts'
import type { Page } from './page.ts'

export interface Membership {
  /** To the leader. Only while there is one. */
  post(message: FromTab): void
  leave(): void
}

/** Of the leader, before it is asked whether it is there. */
export const quietMs = 15_000
/** For its answer; and for that of a leader to a tab that has none yet. */
export const patienceMs = 5_000

export function joinTabs(parts: {
  /** Tabs of the same name belong together. */
  readonly name: string
  readonly tab: string
  readonly locks: Locks
  readonly page: Page
  readonly clock: Clock
  readonly onError: (error: unknown) => void
  /** For a tab that begins to lead: nothing of an earlier connection goes along. */
  makeLinks(): Links
  /** There is a leader now, and it knows nothing of this tab. */
  found(): void
  /** There is none any more. */
  lost(): void
  hear(message: FromLeader): void
}): Membership {
  const { name, tab, locks, page, clock, onError } = parts
  const nameOf = (each: string) => `${name} tab ${each}`
  let leader: string | undefined
  let office: Office | undefined
  let heardMs = 0
  let isAnswered = false
  let isOver = false
  let releaseLead = () => {}
  let stopTimer = () => {}

  const all = openChannel(`${name} all`, heardByAll, onError)
  const own = openChannel(nameOf(tab), heardByThis, onError)
  // Without it, a leader would take this tab for one that has gone.
  const releaseTab = hold(locks, nameOf(tab), {
    onHeld() {
      waitToLead()
      look()
    },
    // There are no locks here after all: nobody could know who leads.
    onLost: beginToLead,
  })
  const stopPage = page.watch((change) => {
    if (change === 'shown') ask()
  })

  function waitToLead(options?: { readonly steal: boolean }): void {
    releaseLead()
    releaseLead = hold(locks, `${name} lead`, { onHeld: lead, onLost: dethroned }, options)
  }

  function lead(): void {
    beginToLead()
    if (!isOver) all.post({ kind: 'leading', leader: tab })
  }

  function beginToLead(): void {
    if (!forget()) return
    stopTimer()
    leader = tab
    office = openOffice({ tab, nameOf, locks, links: parts.makeLinks(), onError, hear: parts.hear })
    parts.found()
  }

  function dethroned(): void {
    if (office === undefined) return
    office.close()
    office = undefined
    if (!forget()) return
    waitToLead()
    look()
  }

  /** Answers with whether to go on: who hears that the leader is gone may leave at once. */
  function forget(): boolean {
    if (leader !== undefined) {
      leader = undefined
      parts.lost()
    }
    return !isOver
  }

  function look(): void {
    all.post({ kind: 'hello', tab })
    ask()
  }

  function heardByAll(message: Message): void {
    if (message.kind === 'hello' && message.tab !== tab) office?.attach(message.tab)
    if (message.kind !== 'leading' || office !== undefined || message.leader === leader) return
    if (forget()) look()
  }

  function heardByThis(message: Message): void {
    if (!('leader' in message) || office !== undefined) return
    if (message.kind === 'welcome' && leader === undefined) {
      leader = message.leader
      parts.found()
    }
    if (message.leader !== leader) return
    heardMs = clock.now()
    isAnswered = true
    if (message.kind === 'left') {
      if (forget()) look()
    } else parts.hear(message as FromLeader)
  }

  /** Timers of tabs that nobody sees come late or not at all: they do not look, and must not judge others. */
  function ask(): void {
    stopTimer()
    if (office !== undefined || !page.isVisible) return
    isAnswered = false
    if (leader !== undefined) own.post({ kind: 'ask', leader })
    stopTimer = clock.after(patienceMs, () => {
      if (isAnswered) watch()
      else if (page.isVisible) waitToLead({ steal: true })
    })
  }

  function watch(): void {
    stopTimer = clock.after(quietMs, () => {
      if (clock.now() - heardMs < quietMs) watch()
      else ask()
    })
  }

  return {
    post(message) {
      if (office !== undefined) office.receive(message)
      else if (leader !== undefined) own.post({ ...message, leader })
    },
    leave() {
      isOver = true
      stopTimer()
      stopPage()
      office?.close()
      office = undefined
      leader = undefined
      releaseLead()
      // By this the leader knows that it has gone.
      releaseTab()
      own.close()
      all.close()
    },
  }
}

/** What is shown of a connection, from one state to the next. */
import type { ConnectionState } from '@belfry/client'
import { expect, it } from 'vitest'
import type { SignedOut } from './connection.ts'
import { mayPass, nextView, nothing, type StatusView } from './status-view.ts'

const states = {
  idle: { status: 'idle' },
  first: { status: 'connecting', attempt: 1, reason: 'first' },
  again: { status: 'connecting', attempt: 2, reason: 'reconnect' },
  connected: { status: 'connected' },
  recovered: { status: 'connected', recoveredEvents: 14 },
  lost: { status: 'waiting', attempt: 1, retryAt: 5, reason: 'line_lost', message: 'gone' },
  away: { status: 'waiting', attempt: 2, retryAt: 9, reason: 'unreachable', message: 'away' },
  refused: { status: 'refused', code: 'token_expired', message: 'old' },
  closed: { status: 'closed' },
  out: { status: 'signed-out' },
} as const satisfies Record<string, ConnectionState | SignedOut>

/** What is shown after these, each drawn twice as React may. */
function after(...names: readonly (keyof typeof states)[]): StatusView {
  return names.reduce((before: StatusView, name) => {
    const connection = { ...states[name], retry() {} }
    const view = nextView(before, connection)
    expect(nextView(view, connection)).toEqual(view)
    return view
  }, nothing)
}

it.each<readonly [readonly (keyof typeof states)[], StatusView]>([
  [['idle'], { kind: 'nothing' }],
  [['first'], { kind: 'connecting' }],
  [['first', 'connected'], { kind: 'online', hasRecovered: false }],
  [['first', 'connected', 'idle'], { kind: 'nothing' }],
  [['first', 'away'], { kind: 'offline', why: { code: 'unreachable', message: 'away' }, retryAt: 9 }],
  // An attempt does not make it look better than it is.
  [['connected', 'lost', 'again'], { kind: 'offline', why: { code: 'line_lost', message: 'gone' } }],
  [['connected', 'again'], { kind: 'offline' }],
  [['connected', 'lost', 'again', 'connected'], { kind: 'online', hasRecovered: true }],
  [['first', 'recovered'], { kind: 'online', hasRecovered: false }],
  [['lost', 'recovered'], { kind: 'online', hasRecovered: true, recoveredEvents: 14 }],
  [['lost', 'connected', 'recovered'], { kind: 'online', hasRecovered: true, recoveredEvents: 14 }],
  [['lost', 'recovered', 'connected'], { kind: 'online', hasRecovered: true }],
  [['refused'], { kind: 'refused', why: { code: 'token_expired', message: 'old' } }],
  [['refused', 'connected'], { kind: 'online', hasRecovered: true }],
  [['connected', 'closed'], { kind: 'signed-out' }],
  [['connected', 'out'], { kind: 'signed-out' }],
  [['lost', 'closed', 'first'], { kind: 'connecting' }],
  [['lost', 'out', 'first', 'connected'], { kind: 'online', hasRecovered: false }],
])('after %s', (names, view) => {
  expect(after(...names)).toEqual(view)
})

it('waits only with what may be over at once', () => {
  expect(
    (['first', 'lost', 'connected', 'refused', 'out', 'idle'] as const).map((name) => mayPass(after(name))),
  ).toEqual([true, true, false, false, false, false])
})

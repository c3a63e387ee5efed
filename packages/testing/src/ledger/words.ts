/** Differences of a ledger in words: who missed what of which room, and what had happened to it then. */
import type { Account, Books } from './ledger.ts'
import type { Difference } from './verdict.ts'

/** Before a loss: what happened to the client last. */
const notesShown = 3

export function inWords({ account, kind, events, count }: Difference, books: Books): string {
  const [first, last] = events
  const [from, to] = [books.nameOf(first), books.nameOf(last)]
  const isRow = count === last - first + 1
  const which = first === last ? from : isRow ? `${from} to ${to}` : `${count} events from ${from} to ${to}`
  const rooms = roomsOf(account, first, books)
  const where = rooms === '' ? '' : ` of ${rooms}`
  return `${account.name} ${verbs[kind]} ${which}${where}${history(account, first, books)}`
}

const verbs = {
  missed: 'missed',
  twice: 'got twice:',
  late: 'got after something newer:',
  foreign: 'got what was not for it:',
} as const satisfies Record<Difference['kind'], string>

function roomsOf({ memberships }: Account, event: number, { eventsOf }: Books): string {
  const rooms = memberships
    .filter(({ room, from, until }) => {
      const events = eventsOf(room)
      return event >= from && event < until && events.at(events.countBelow(event)) === event
    })
    .map(({ room }) => room)
  return [...new Set(rooms)].join(', ')
}

function history({ notes, resets, receiptCount }: Account, event: number, books: Books): string {
  if (event >= books.eventCount) return '; nobody published it'
  const atMs = books.publishedAtMs(event)
  const seconds = (ms: number) => `${((ms - books.beganMs) / 1_000).toFixed(2)} s`
  const known = [
    ...notes.map((note) => ({ ...note })),
    ...resets.map(({ reason, atMs: at }) => ({ what: `was told of a reset (${reason})`, atMs: at })),
  ].sort((one, other) => one.atMs - other.atMs)
  const before = known.filter((note) => note.atMs <= atMs).slice(-notesShown)
  const after = known.filter((note) => note.atMs > atMs).slice(0, 2)
  const told = [...before, { what: 'it was published', atMs }, ...after].map(
    ({ what, atMs: at }) => `${what} at ${seconds(at)}`,
  )
  return `: ${told.join(', ')}; it got ${receiptCount} in all`
}

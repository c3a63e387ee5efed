/**
 * What a ledger comes to: for each client, what was for it and did not come, came twice, came after something newer, or
 * was not for it. A loss that the client was told of is counted by itself.
 *
 * A reset covers an event if the event was published before the client was told, and stands between the newest event that
 * the client had got before it was told and the first one that it got afterwards. A hole elsewhere is a silent loss.
 */
import type { Account, Books, Reset } from './ledger.ts'
import { inWords } from './words.ts'

export interface Verdict {
  readonly clients: number
  readonly events: number
  /** Deliveries that were due, those that clients were told of included. */
  readonly due: number
  /** Of them, those that came. */
  readonly delivered: number
  readonly missing: number
  /** Missing, and told. */
  readonly told: number
  readonly twice: number
  readonly outOfOrder: number
  /** Came, and were not for the client. */
  readonly foreign: number
  readonly resets: number
  /** Told of a loss, and there was none. */
  readonly needlessResets: number
  readonly reasons: Readonly<Record<string, number>>
  /** The first ones, in words. */
  readonly differences: readonly string[]
  /** Nothing missing, twice, out of order or foreign. */
  readonly isWhole: boolean
  /** Throws with all of it in words if it is not whole, or if nothing was due: that would prove nothing. */
  check(): void
}

export interface Difference {
  readonly account: Account
  readonly kind: 'missed' | 'twice' | 'late' | 'foreign'
  readonly events: readonly [first: number, last: number]
  readonly count: number
}

/** Of each client, and of all together: who reads them wants the first ones. */
const differencesOfClientMax = 10
const differencesMax = 30

export function judge(books: Books): Verdict {
  const sums = { due: 0, delivered: 0, missing: 0, told: 0, twice: 0, outOfOrder: 0, foreign: 0 }
  const differences: Difference[] = []
  const reasons: Record<string, number> = {}
  let resetCount = 0
  let needlessResets = 0
  const marks = {
    /** The number of the client that got it or was due it, and one, at the place of each event. */
    got: new Int32Array(books.eventCount),
    due: new Int32Array(books.eventCount),
  }
  for (const [index, account] of books.accounts.entries()) {
    const found = judgeAccount(account, index + 1, books, marks)
    for (const key of Object.keys(sums) as (keyof typeof sums)[]) sums[key] += found[key]
    resetCount += account.resets.length
    needlessResets += found.needlessResets
    for (const { reason } of account.resets) reasons[reason] = (reasons[reason] ?? 0) + 1
    if (differences.length < differencesMax)
      differences.push(...found.differences.slice(0, differencesOfClientMax))
  }
  const words = differences.slice(0, differencesMax).map((difference) => inWords(difference, books))
  const isWhole = sums.missing + sums.twice + sums.outOfOrder + sums.foreign === 0
  return {
    clients: books.accounts.length,
    events: books.eventCount,
    ...sums,
    resets: resetCount,
    needlessResets,
    reasons,
    differences: words,
    isWhole,
    check() {
      if (sums.due === 0) throw new Error('The ledger has nothing that was for anybody: it proves nothing.')
      if (!isWhole) throw new Error(`${sentenceOf(sums)}\n${words.join('\n')}`)
    },
  }
}

interface Marks {
  readonly got: Int32Array
  readonly due: Int32Array
}

function judgeAccount(account: Account, mark: number, books: Books, { got, due }: Marks) {
  const { memberships, resets } = account
  const found = collect(account)
  let dueCount = 0
  let delivered = 0
  for (const { room, from, until } of memberships) {
    const events = books.eventsOf(room)
    for (let at = events.countBelow(from); at < events.length && events.at(at) < until; at += 1)
      due[events.at(at)] = mark
  }
  let newest = -1
  for (let receipt = 0; receipt < account.receiptCount; receipt += 1) {
    const event = account.eventAt(receipt)
    if (due[event] !== mark) found.add('foreign', event)
    else if (got[event] === mark) found.add('twice', event)
    else {
      delivered += 1
      got[event] = mark
      if (event < newest) found.add('late', event)
    }
    newest = Math.max(newest, event)
  }
  const places = resets.map((reset) => placeOf(reset, account))
  const used = new Set<Place>()
  let told = 0
  for (let event = 0; event < books.eventCount; event += 1) {
    if (due[event] !== mark) continue
    const isMissing = got[event] !== mark
    if (isMissing && !books.isSure(event)) continue
    dueCount += 1
    if (!isMissing) continue
    const place = places.find((each) => covers(each, event, books))
    if (place === undefined) found.add('missed', event)
    else {
      told += 1
      used.add(place)
    }
  }
  return {
    due: dueCount,
    delivered,
    told,
    needlessResets: resets.length - used.size,
    missing: found.counts.missed,
    twice: found.counts.twice,
    outOfOrder: found.counts.late,
    foreign: found.counts.foreign,
    differences: found.differences,
  }
}

interface Place {
  readonly reset: Reset
  readonly after: number
  readonly before: number
}

/** Between the newest event that came before a reset, and the first that came after it. */
function placeOf(reset: Reset, { receiptCount, eventAt }: Account): Place {
  let after = -1
  for (let receipt = 0; receipt < reset.receipts; receipt += 1) after = Math.max(after, eventAt(receipt))
  const before = reset.receipts < receiptCount ? eventAt(reset.receipts) : Number.POSITIVE_INFINITY
  return { reset, after, before: Math.min(before, reset.until) }
}

function covers({ reset, after, before }: Place, event: number, { publishedAtMs }: Books): boolean {
  return event > after && event < before && publishedAtMs(event) <= reset.atMs
}

/** Differences of the same kind that follow one another, as far as this client is concerned, become one. */
function collect(account: Account) {
  const counts = { missed: 0, twice: 0, late: 0, foreign: 0 }
  const differences: Difference[] = []
  const open: Partial<Record<Difference['kind'], { difference: Difference; receiptsBefore: number }>> = {}
  return {
    counts,
    differences,
    add(kind: Difference['kind'], event: number): void {
      counts[kind] += 1
      const current = open[kind]
      // What came in between ends a difference.
      const receiptsBefore = kind === 'missed' ? receiptsUpTo(account, event) : 0
      if (
        current !== undefined &&
        current.receiptsBefore === receiptsBefore &&
        event > current.difference.events[1]
      ) {
        const { difference } = current
        const merged = {
          ...difference,
          events: [difference.events[0], event] as const,
          count: difference.count + 1,
        }
        const place = differences.indexOf(difference)
        if (place !== -1) differences[place] = merged
        open[kind] = { difference: merged, receiptsBefore }
        return
      }
      const difference: Difference = { account, kind, events: [event, event], count: 1 }
      open[kind] = { difference, receiptsBefore }
      if (differences.length < differencesOfClientMax) differences.push(difference)
    },
  }
}

/** How many of its receipts, as far as they are in order, come before an event. */
function receiptsUpTo({ receiptCount, eventAt }: Account, event: number): number {
  let low = 0
  let high = receiptCount
  while (low < high) {
    const middle = (low + high) >>> 1
    if (eventAt(middle) < event) low = middle + 1
    else high = middle
  }
  return low
}

function sentenceOf({ due, delivered, missing, twice, outOfOrder, foreign }: Record<string, number>): string {
  return (
    `Of ${due} deliveries ${delivered} came; ${missing} are missing without a word, ${twice} came twice, ` +
    `${outOfOrder} out of order, ${foreign} to somebody else.`
  )
}

/**
 * Calls that come at the same time share one round: the first one goes at once, and what comes while rounds are on their
 * way goes with the next. Idle, nobody waits; under load a round carries many and costs little more than one.
 *
 *   given → waits for a round → on its way → answered
 *                                    └→ alone, because the round failed → answered
 */
import { Refusal } from '@belfry/contract'
import { isUnavailable } from './unavailable.ts'

export interface TogetherRules<Item, Answer> {
  /** An answer for each item, in their order; rejects if nothing at all has happened. */
  run(items: readonly Item[]): Promise<readonly Answer[]>
  /** For each item of a round that was rejected; others use its place meanwhile. Without it, they are rejected too. */
  alone?(item: Item): Promise<Answer>
  /** What an item adds to a round. */
  weight(item: Item): number
  /** Of a round; one item goes in any case. */
  weightMax: number
  roundsMax: number
  /** Items that wait for a round; what comes beyond is refused as when the database is away. */
  waitingMax: number
}

export function together<Item, Answer>(rules: TogetherRules<Item, Answer>): (item: Item) => Promise<Answer> {
  interface Waiting {
    readonly item: Item
    resolve(answer: Answer): void
    reject(error: unknown): void
  }
  let waiting: Waiting[] = []
  let rounds = 0

  function nextRound(): Waiting[] {
    let weight = 0
    let count = 0
    for (const { item } of waiting) {
      weight += rules.weight(item)
      if (count > 0 && weight > rules.weightMax) break
      count += 1
    }
    const round = waiting.slice(0, count)
    waiting = waiting.slice(count)
    return round
  }

  async function runRounds(): Promise<void> {
    rounds += 1
    // What the same tick still brings goes with this round.
    await undefined
    while (waiting.length > 0) await settle(nextRound())
    rounds -= 1
  }

  async function settle(round: readonly Waiting[]): Promise<void> {
    try {
      const answers = await rules.run(round.map(({ item }) => item))
      for (const [index, { resolve }] of round.entries()) resolve(answers[index] as Answer)
    } catch (error) {
      // Whose fault it was is found one by one: the others are not to suffer for it, nor to wait.
      for (const { item, resolve, reject } of round) {
        // Where an answer of the database was lost, what was done must not be done again.
        if (rules.alone === undefined || isUnavailable(error)) reject(error)
        else void rules.alone(item).then(resolve, reject)
      }
    }
  }

  return (item) => {
    if (waiting.length >= rules.waitingMax) return Promise.reject(new Refusal('database_unavailable'))
    return new Promise((resolve, reject) => {
      waiting.push({ item, resolve, reject })
      if (rounds < rules.roundsMax) void runRounds()
    })
  }
}

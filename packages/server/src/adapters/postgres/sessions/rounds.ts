/**
 * What is to be done with sessions, in rounds: each reads the sessions of all its steps, lets the steps change them, and
 * writes what changed, in one statement with one commit. A row that somebody else changed in between is not written,
 * and its steps are taken again. Nothing is held while this process computes.
 *
 *   given → waits for a round → taken (→ taken again) → answered
 *                                └→ owed: nobody can say whether it was stored → answered in a later round
 *
 * Of one session all steps are in one line, in the order in which they were given. While the database is away nothing
 * is given to a line: all wait for it together, and no round for the patience of those before it.
 */
import { Refusal } from '@belfry/contract'
import { type Database, DatabaseError } from '../../../engine/ports/database.ts'
import type { Logger } from '../../../engine/ports/logger.ts'
import { sql } from '../../../engine/sql.ts'
import { together } from '../../../engine/together.ts'
import { isUnavailable } from '../../../engine/unavailable.ts'
import { changeOf, type Draft, draftOf } from './draft.ts'
import { readSessions, type SessionChange, type SessionRow, writeSessions } from './statements.ts'

export interface Step<Answer = unknown> {
  readonly pid: string
  /** Rooms that it names. */
  readonly rooms?: number
  /** It expects that there is no such session: then there is nothing to read. */
  readonly isNew?: boolean
  /** What becomes of the session. Called again where somebody else was quicker. */
  take(place: Place): Answer
  /** What is to be done when the database is back, if nobody can say whether this step was stored. */
  afterLoss?(): Step | undefined
}

/** Where a session is, or is not. A step changes the draft, or puts another one there, or none. */
export interface Place {
  session: Draft | undefined
}

export interface Rounds {
  run<Answer>(step: Step<Answer>): Promise<Answer>
  /** Whether it was refused, and is done later all the same. */
  isPromised(step: Step): boolean
  /** Does what is owed, if the database is there. */
  payUp(): Promise<void>
  /** Resolves when nothing is on its way any more. */
  settled(): Promise<void>
}

export interface RoundsParts {
  readonly database: Database
  readonly logger: Logger
  /** Before anything is read or written. */
  prepare(): Promise<void>
  /** Rows of sessions that are gone are not to be there any more, if the step of a new one stands in their place. */
  current(rows: readonly SessionRow[]): Promise<readonly SessionRow[]>
  /** So many are away now; before those are answered who went. */
  onAway(away: number): Promise<void>
}

/** Steps of one round: more would have the first of them wait for longer than they save. */
const stepsMax = 500
/** Rooms that weigh as much as one more step. */
const roomsOfStep = 50
/** While one reads and computes, the other is committed. */
const linesMax = 2
/** All clients of a full node at once, and what they join. */
const waitingMax = 50_000
/** All sessions that a full node has, on some namespaces each; beyond that, steps are refused and not done later. */
const owedMax = 200_000
/** Somebody else was quicker so often: they get on, and this one never does. */
const triesMax = 20

export function createRounds(parts: RoundsParts): Rounds {
  const { database, logger } = parts
  const owed = new Map<string, Step[]>()
  let owedCount = 0
  const promised = new WeakSet<Step>()
  const onTheirWay = new Set<Promise<unknown>>()
  let isKnownAway = false
  let comingBack: Promise<unknown> | undefined

  const lines = Array.from({ length: linesMax }, (_, number) =>
    together<Step | undefined, Outcome>({
      async run(items) {
        const steps = items.filter((item) => item !== undefined)
        const outcomes = await take([...dueWith(steps, number), ...steps])
        return items.map((item) => (item === undefined ? nothing : (outcomes.get(item) ?? nothing)))
      },
      weight: (step) => 1 + (step?.rooms ?? 0) / roomsOfStep,
      weightMax: stepsMax,
      roundsMax: 1,
      waitingMax,
    }),
  )

  /** What is owed goes before what is asked for now, above all of the same session. */
  function dueWith(steps: readonly Step[], line: number): Step[] {
    if (owed.size === 0) return []
    const due: Step[] = []
    const call = (pid: string) => {
      const ofPid = owed.get(pid) ?? []
      owed.delete(pid)
      owedCount -= ofPid.length
      due.push(...ofPid)
    }
    for (const { pid } of steps) call(pid)
    for (const pid of owed.keys()) {
      if (due.length >= stepsMax) break
      if (lineOf(pid) === line) call(pid)
    }
    return due
  }

  function owe(step: Step | undefined): void {
    if (step === undefined || owedCount >= owedMax) return
    owedCount += 1
    promised.add(step)
    const ofPid = owed.get(step.pid)
    if (ofPid === undefined) owed.set(step.pid, [step])
    else ofPid.push(step)
  }

  /** Answers every step; never fails. */
  async function take(steps: readonly Step[]): Promise<Map<Step, Outcome>> {
    const outcomes = new Map<Step, Outcome>()
    let open: ReadonlyMap<string, readonly Step[]> = Map.groupBy(steps, ({ pid }) => pid)
    try {
      // These came while it was there, and have waited for others since.
      if (isKnownAway && isAway()) throw new Refusal('database_unavailable')
      await parts.prepare()
      for (let tries = 0; open.size > 0; tries += 1) {
        if (tries === triesMax) throw new Refusal('database_unavailable')
        const works = worksOf(open, await read(open, tries === 0), outcomes)
        const pids = await write(works.flatMap(({ change }) => change ?? []))
        open = new Map(
          works
            .map(({ pid, change, later }) => {
              const isDone = change === undefined || pids.has(pid)
              return [pid, isDone ? later : (open.get(pid) ?? [])] as const
            })
            .filter(([, left]) => left.length > 0),
        )
      }
      isKnownAway = false
    } catch (error) {
      isKnownAway = isUnavailable(error) && isAway()
      await settleFailed([...open.values()].flat(), error, outcomes)
    }
    return outcomes
  }

  async function read(
    open: ReadonlyMap<string, readonly Step[]>,
    isFirstTry: boolean,
  ): Promise<Map<string, SessionRow>> {
    const pids = [...open].flatMap(([pid, [first]]) => (isFirstTry && first?.isNew === true ? [] : [pid]))
    if (pids.length === 0) return new Map()
    const rows = await parts.current(await readSessions(database, pids))
    return new Map(rows.map((row) => [row.pid, row]))
  }

  /** The pids of those that were written. */
  async function write(changes: readonly SessionChange[]): Promise<ReadonlySet<string>> {
    if (changes.length === 0) return new Set()
    const { pids, away } = await writeSessions(database, changes)
    if (away !== undefined) await parts.onAway(away)
    return pids
  }

  /** None of these was stored, or nobody can say so. */
  async function settleFailed(
    steps: readonly Step[],
    error: unknown,
    outcomes: Map<Step, Outcome>,
  ): Promise<void> {
    if (error instanceof DatabaseError && steps.length > 1) {
      // Whose fault it was is found one by one: the others are not to suffer for it.
      for (const step of steps) for (const [each, outcome] of await take([step])) outcomes.set(each, outcome)
      return
    }
    for (const step of steps) {
      if (isUnavailable(error)) owe(step.afterLoss?.())
      outcomes.set(step, () => {
        throw error
      })
    }
  }

  const isAway = () => database.state().state === 'down'

  /** Whoever comes meanwhile waits for the same answer, and then goes on in the same order. */
  function whenThere(): Promise<unknown> {
    if (comingBack === undefined) {
      comingBack = database.query(sql`select 1`)
      const forget = () => {
        comingBack = undefined
      }
      comingBack.then(forget, forget)
    }
    return comingBack
  }

  async function run<Answer>(step: Step<Answer>): Promise<Answer> {
    let outcome: Outcome
    try {
      if (comingBack !== undefined || isAway()) await whenThere()
      outcome = await (lines[lineOf(step.pid)] as (typeof lines)[number])(step)
    } catch (error) {
      // It was in no round: the database is away, or too many wait.
      if (isUnavailable(error)) owe(step.afterLoss?.())
      throw error
    }
    return outcome() as Answer
  }

  return {
    run<Answer>(step: Step<Answer>) {
      const answer = run(step)
      const forget = () => onTheirWay.delete(answer)
      onTheirWay.add(answer)
      answer.then(forget, forget)
      return answer
    },
    isPromised: (step) => promised.has(step),
    async payUp() {
      if (owed.size === 0 || isAway()) return
      logger.debug({ steps: owedCount }, 'sessions: what the database could not take is done now')
      await Promise.all(lines.map((line) => line(undefined)))
    },
    async settled() {
      await Promise.allSettled(onTheirWay)
    },
  }
}

/** Gives the answer, or throws. */
type Outcome = () => unknown

const nothing: Outcome = () => undefined

interface Work {
  readonly pid: string
  readonly change: SessionChange | undefined
  /** Steps that can only be taken when the others are stored. */
  readonly later: readonly Step[]
}

function worksOf(
  open: ReadonlyMap<string, readonly Step[]>,
  rows: ReadonlyMap<string, SessionRow>,
  outcomes: Map<Step, Outcome>,
): Work[] {
  return [...open].map(([pid, steps]) => {
    const row = rows.get(pid)
    const place: Place = { session: row && draftOf(row) }
    let taken = 0
    for (const step of steps) {
      // A new session in place of one that just ended: its row has to go first.
      if (step.isNew === true && row !== undefined && place.session === undefined) break
      outcomes.set(step, outcomeOf(step, place))
      taken += 1
    }
    return { pid, change: changeOf(row, place.session), later: steps.slice(taken) }
  })
}

function outcomeOf(step: Step, place: Place): Outcome {
  try {
    const answer = step.take(place)
    return () => answer
  } catch (error) {
    return () => {
      throw error
    }
  }
}

function lineOf(pid: string): number {
  let sum = 0
  for (let index = 0; index < pid.length; index += 1) sum += pid.charCodeAt(index)
  return sum % linesMax
}

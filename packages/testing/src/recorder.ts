/** Records the events of a name as a client hears them, and waits for them. */
import { inspect } from 'node:util'
import type { Ear, Heard } from './heard.ts'
import { later } from './real-time.ts'
import { withinMsDefault } from './until.ts'

export interface NextOptions<Data> {
  /** Only one of which this is true. */
  where?(data: Data, heard: Heard<Data>): boolean
  /** Of real time; 5 seconds if absent. */
  readonly withinMs?: number
}

export interface Recorder<Data> extends Disposable {
  /** Everything since it began to listen, in order. */
  readonly all: readonly Heard<Data>[]
  /** The first one that `next` did not give before, whether it came already or is still to come. */
  next(options?: NextOptions<Data>): Promise<Heard<Data>>
  /** Everything that was on its way to this client has come: a round trip over its own line says so. */
  settled(): Promise<readonly Heard<Data>[]>
  /** The same, and rejects if one came that `next` did not give. */
  none(): Promise<void>
  /** Ends it. */
  stop(): void
}

/** Of one name; a test that hears more wants to count, and not to keep. */
const heardMax = 100_000

/** In an error. */
const shownMax = 20

interface Waiter<Data> {
  /** Whether it takes it, and has ended with that. */
  offer(heard: Heard<Data>): boolean
  fail(why: string): void
}

/** `onEnd` of the options calls back when the server is closed. */
export function createRecorder<Data>(
  ear: Ear,
  name: string,
  options: { onEnd(ended: (why: string) => void): () => void },
): Recorder<Data> {
  const all: Heard<Data>[] = []
  const taken = new Set<unknown>()
  /** Of whatever name, the last: they explain an error. */
  const came: { readonly name: string; readonly heard: Pick<Heard, 'data'> }[] = []
  const waiters = new Set<Waiter<Data>>()
  const failAll = (why: string) => {
    for (const waiter of waiters) waiter.fail(why)
  }
  const ends = [
    ear.listen((given) => {
      const heard = { data: given.data, meta: given.meta }
      came.push({ name: given.name, heard })
      if (came.length > shownMax) came.shift()
      if (given.name === name) hear(heard as Heard<Data>)
    }),
    options.onEnd(failAll),
  ]

  function hear(heard: Heard<Data>): void {
    if (all.length >= heardMax) throw new RangeError(`More than ${heardMax} events ${name} were recorded.`)
    all.push(heard)
    if ([...waiters].some((waiter) => waiter.offer(heard))) taken.add(heard)
  }

  function whatCame(): string {
    if (came.length === 0) return `Nothing came on ${ear.namespace}.`
    const lines = came.map(({ name: each, heard }) => {
      const data = inspect(heard.data, { breakLength: Infinity, depth: 4 })
      return `  ${each} ${data}${taken.has(heard) ? ' (given before)' : ''}`
    })
    return `On ${ear.namespace} came:\n${lines.join('\n')}`
  }

  async function next({ where, withinMs = withinMsDefault }: NextOptions<Data> = {}): Promise<Heard<Data>> {
    const fits = (heard: Heard<Data>) => where === undefined || where(heard.data, heard)
    const known = all.find((heard) => !taken.has(heard) && fits(heard))
    if (known !== undefined) {
      taken.add(known)
      return known
    }
    return new Promise((resolve, reject) => {
      let stopLooking = () => {}
      const end = () => {
        waiters.delete(waiter)
        stopTimer()
        stopLooking()
      }
      const waiter: Waiter<Data> = {
        offer(heard) {
          try {
            if (!fits(heard)) return false
            resolve(heard)
          } catch (error) {
            reject(error)
            end()
            return false
          }
          end()
          return true
        },
        fail(why) {
          end()
          reject(new Error(`${name} did not come: ${why}. ${whatCame()}`))
        },
      }
      const stopTimer = later(withinMs, () => waiter.fail(`not within ${withinMs} ms`))
      waiters.add(waiter)
      stopLooking = ear.onEnd(waiter.fail)
      if (!waiters.has(waiter)) stopLooking()
    })
  }

  async function settled(): Promise<readonly Heard<Data>[]> {
    await ear.goRound(withinMsDefault).catch((cause: unknown) => {
      const why = cause instanceof Error ? cause.message : String(cause)
      throw new Error(`Nothing is known of what is on its way on ${ear.namespace}: ${why}`, { cause })
    })
    return all
  }

  function stop(): void {
    for (const end of ends) end()
    failAll('its recorder was stopped')
  }

  return {
    all,
    next,
    settled,
    async none() {
      await settled()
      const untaken = all.filter((heard) => !taken.has(heard)).length
      if (untaken > 0) throw new Error(`${untaken} of ${name} came, and none should have. ${whatCame()}`)
    },
    stop,
    [Symbol.dispose]: stop,
  }
}

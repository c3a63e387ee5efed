/** What a scenario of this bench is: how it runs against one server, what it measures, and what must be reached. */
import { setTimeout as delay } from 'node:timers/promises'
import type { Child } from '../../packages/testing/src/bench/processes.ts'
import type { GeneratorCalls, GeneratorSample } from './generator.ts'
import type { ServerCalls, ServerSample } from './server-calls.ts'

export interface Scenario {
  /** For `--only`. */
  readonly name: string
  readonly title: string
  /** How it was done, for who reads the results. */
  readonly method: string
  readonly metrics: readonly Metric[]
  /** A number for each metric. */
  run(world: World): Promise<Readonly<Record<string, number>>>
}

export interface Metric {
  readonly key: string
  readonly label: string
  readonly unit: string
  readonly digits: number
  readonly better: 'higher' | 'lower'
  readonly must?: { readonly ratioAtLeast: number } | { readonly below: number }
  /** Keys, in the same figures, of how busy both were: where it was the generator, the server can do more. */
  readonly busy?: { readonly server: string; readonly generator: string }
}

/** A server and a generator, both fresh. */
export interface World {
  readonly server: Child<ServerCalls>
  readonly generator: Child<GeneratorCalls>
  readonly port: number
  /** Seconds of measuring are divided by so much for a quick look. */
  readonly haste: number
}

export interface Span {
  readonly seconds: number
  /** Of the generator. */
  readonly events: number
  readonly answers: number
  readonly bytes: number
  readonly p50Ms: number
  readonly p99Ms: number
  /** Shares of a core. */
  readonly serverBusy: number
  readonly generatorBusy: number
}

/** Lets it run in, and then measures for so long. */
export async function measure(
  { server, generator, haste }: World,
  { warmSeconds, seconds }: { readonly warmSeconds: number; readonly seconds: number },
): Promise<Span> {
  await delay((warmSeconds * 1_000) / haste)
  const before = await Promise.all([server.call('sample', null), generator.call('sample', null)])
  await delay((seconds * 1_000) / haste)
  const after = await Promise.all([server.call('sample', null), generator.call('sample', null)])
  return between(before, after)
}

type Samples = readonly [ServerSample, GeneratorSample]

function between([server, generator]: Samples, [serverAfter, generatorAfter]: Samples): Span {
  const micros = generatorAfter.atMicros - generator.atMicros
  return {
    seconds: micros / 1e6,
    events: generatorAfter.events - generator.events,
    answers: generatorAfter.answers - generator.answers,
    bytes: generatorAfter.bytes - generator.bytes,
    p50Ms: generatorAfter.p50Ms,
    p99Ms: generatorAfter.p99Ms,
    serverBusy: (serverAfter.cpuMicros - server.cpuMicros) / (serverAfter.atMicros - server.atMicros),
    generatorBusy: (generatorAfter.cpuMicros - generator.cpuMicros) / micros,
  }
}

/** Microseconds of the server's processor for each of so many things. */
export function cpuMicrosEach({ serverBusy, seconds }: Span, count: number): number {
  return (serverBusy * seconds * 1e6) / count
}

/** For what takes a moment and must come. */
export async function until(condition: () => Promise<boolean>, what: string): Promise<void> {
  const giveUpAt = performance.now() + patienceMs
  while (!(await condition())) {
    if (performance.now() > giveUpAt) throw new Error(`Not within ${patienceMs / 1_000} seconds: ${what}.`)
    await delay(20)
  }
}

const patienceMs = 20_000

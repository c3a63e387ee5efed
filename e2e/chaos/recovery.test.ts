/**
 * The built product with an ordinary and a durable namespace, while lines break and processes are killed: every event
 * reaches every client that it is for, once and in order; or the client was told at the place of the loss. On the durable
 * namespace nobody is told anything, since nothing is lost.
 */
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import type { CutOptions } from '@belfry/testing'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { issueToken } from '../../packages/server/src/adapters/tokens/issue-token.ts'
import { SeededRandom } from '../../packages/server/src/engine/testing/seeded-random.ts'
import { migratedDirectory, type Product, startProduct } from '../product.ts'
import { until } from '../protocol/until.ts'
import { type Audience, type AudienceOptions, gatherAudience } from './audience.ts'
import { killPostmaster, postmasterPid } from './kills.ts'
import { durablePublisher, ordinaryPublisher, type Publisher } from './publishers.ts'

/** Of each namespace. `RECOVERY_CLIENTS=1000 RECOVERY_STOCK_CLIENTS=100 RECOVERY_SECONDS=60` for a long run. */
const fleetSize = Number(process.env['RECOVERY_CLIENTS'] ?? 60)
const stockSize = Number(process.env['RECOVERY_STOCK_CLIENTS'] ?? 6)
const seconds = Number(process.env['RECOVERY_SECONDS'] ?? 6)
/** `RECOVERY_ROUNDS=20` kills the server 20 times, and PostgreSQL 10 times. */
const rounds = Number(process.env['RECOVERY_ROUNDS'] ?? 2)
/** `SEED=7` for other lines, at other times. */
const seed = Number(process.env['SEED'] ?? 1)
const secret = 'the secret of these tests, with 32 bytes or more'
const rooms = ['0', '1', '2', '3']
/** Some for each room, whatever the dice say. */
const lastOnes = 30

let dataDirectory: string
let product: Product
let isUp = false

beforeAll(async () => {
  dataDirectory = migratedDirectory()
  await start('0')
})
afterAll(async () => {
  await product.stop()
  rmSync(dataDirectory, { recursive: true, force: true })
})

async function start(port: string): Promise<void> {
  product = await startProduct({
    dataDirectory,
    host: join(import.meta.dirname, 'recovery-host.ts'),
    environment: {
      JWT_SECRET: secret,
      PORT: port,
      RATE_LIMIT_MAX_REQUESTS: '1000000',
      MAX_SOCKET_CONNECTIONS: '20000',
      // So short that dead ends are noticed within a test.
      SOCKET_PING_INTERVAL: '1000',
      SOCKET_PING_TIMEOUT: '1500',
      SOCKET_EXPIRY_GRACE_SECONDS: '1',
    },
  })
  isUp = true
}

const controlUrl = () => /Control\s+(\S+)/.exec(product.output())?.[1] ?? ''

interface World extends AsyncDisposable {
  readonly passing: Audience
  readonly lasting: Audience
  readonly publishers: { readonly passing: Publisher; readonly lasting: Publisher }
  start(perSecond: number): void
  /** Stops publishing, waits until everything has come, and gives the verdicts. */
  finish(): Promise<Verdicts>
}

interface Verdicts {
  readonly passing: ReturnType<Audience['fleet']['ledger']['verdict']>
  readonly lasting: ReturnType<Audience['fleet']['ledger']['verdict']>
}

async function openWorld(
  options: Partial<AudienceOptions> & { readonly text?: string } = {},
): Promise<World> {
  const { text = '' } = options
  const common = { url: product.url, secret, rooms, fleet: fleetSize, stock: stockSize, seed, ...options }
  const passing = await gatherAudience({ ...common, namespace: '/passing' })
  const lasting = await gatherAudience({ ...common, namespace: '/lasting', seed: seed + 100 })
  const token = issueToken({
    secret,
    claims: { sub: 'numbers', permissions: ['events:publish'] },
    expiresInSeconds: 36_000,
    now: Date.now,
  })
  const given = { rooms, text, isUp: () => isUp }
  const publishers = {
    passing: ordinaryPublisher({ ...given, ledger: passing.fleet.ledger, url: controlUrl }),
    lasting: durablePublisher({ ...given, ledger: lasting.fleet.ledger, url: () => product.url, token }),
  }
  return {
    passing,
    lasting,
    publishers,
    start(perSecond) {
      publishers.passing.start(perSecond)
      publishers.lasting.start(perSecond)
    },
    async finish() {
      await Promise.all([publishers.passing.stop(), publishers.lasting.stop()])
      // When everybody is in and these have come, so has everything.
      await until(() => passing.everybodyIsIn && lasting.everybodyIsIn, { what: 'everybody came back' })
      await publishers.passing.flood(lastOnes)
      await publishers.lasting.flood(lastOnes)
      await passing.settled()
      await lasting.settled()
      return { passing: passing.fleet.ledger.verdict(), lasting: lasting.fleet.ledger.verdict() }
    },
    async [Symbol.asyncDispose]() {
      await passing[Symbol.asyncDispose]()
      await lasting[Symbol.asyncDispose]()
    },
  }
}

/** What every run has to come to; printed, so that a failed one can be made again. */
function judge(what: string, { passing, lasting }: Verdicts): void {
  const shown = Object.entries({ passing, lasting }).map(([name, verdict]) => {
    const { due, delivered, missing, told, twice, outOfOrder, foreign, resets } = verdict
    return [name, { due, delivered, missing, told, twice, outOfOrder, foreign, resets }]
  })
  process.stdout.write(`${JSON.stringify({ what, seed, ...Object.fromEntries(shown) })}\n`)
  passing.check()
  lasting.check()
  expect(lasting.resets, `resets on the durable namespace: ${JSON.stringify(lasting.reasons)}`).toBe(0)
}

const everyCut: readonly (CutOptions | 'hold')[] = [
  {},
  { how: 'close' },
  { told: 'client' },
  { told: 'server' },
  'hold',
]

describe(`recovery, seed ${seed}`, () => {
  it('over cuts of 0.1 to 5 s, dead ends, silence, polling, and slow readers beside fast ones', async () => {
    const slow = { percent: 10, bytesPerSecond: 60_000 }
    await using world = await openWorld({ pollingPercent: 20, slow, text: 'x'.repeat(200) })
    world.start(100)
    const durationMs = seconds * 1_000
    const breaking = { durationMs, everyMs: 4_000, forMs: [100, 5_000], cuts: everyCut } as const
    await Promise.all([world.passing.breakLines(breaking).done, world.lasting.breakLines(breaking).done])
    const verdicts = await world.finish()
    judge('cuts', verdicts)
    expect(verdicts.passing.resets).toBe(0)
    expect(world.passing.fleet.counts['lost']).toBeGreaterThan(fleetSize)
  }, 600_000)

  it('of a flood while everybody comes back', async () => {
    await using world = await openWorld()
    world.start(100)
    const away = { durationMs: 1, everyMs: 1_000_000, forMs: [900, 1_100], cuts: [{}] } as const
    const all = (audience: Audience) =>
      audience.fleet.follow(
        audience.fleet.clients.map(({ index }) => ({ atMs: 0, forMs: 700, line: index, cut: {} })),
      )
    const breaking = [all(world.passing), all(world.lasting), world.passing.breakLines(away)]
    await world.publishers.passing.stop()
    await world.publishers.lasting.stop()
    const floods = [world.publishers.passing.flood(1_500), world.publishers.lasting.flood(3_000)]
    await Promise.all([...breaking.map(({ done }) => done), ...floods])
    const verdicts = await world.finish()
    judge('flood', verdicts)
    expect(verdicts.passing.resets).toBe(0)
  }, 120_000)

  it('over tokens that end while lines are cut, and pids that others come with', async () => {
    await using world = await openWorld({ tokenSeconds: 2, stock: 2 * stockSize })
    const { passing, lasting } = world
    world.start(100)
    const breaking = { durationMs: seconds * 1_000, everyMs: 3_000, forMs: [500, 3_000], cuts: [{}] } as const
    let isBreaking = true
    const broken = Promise.all([passing.breakLines(breaking).done, lasting.breakLines(breaking).done])
    const cloned = { 'its user': 0, 'another user': 0 }
    const random = new SeededRandom(seed)
    const cloning = (async () => {
      while (isBreaking) {
        const as = random.oneOf(['its user', 'another user'] as const)
        const audience = random.oneOf([passing, lasting])
        if (await audience.clone(random.below(2 * stockSize), as)) cloned[as] += 1
      }
    })()
    await broken
    isBreaking = false
    await cloning
    const verdicts = await world.finish()
    judge('ended tokens and cloned pids', verdicts)
    expect(verdicts.passing.resets).toBe(0)
    for (const audience of [passing, lasting]) expect(audience.tokensEnded).toBeGreaterThan(stockSize)
    expect(cloned['its user']).toBeGreaterThan(0)
    expect(cloned['another user']).toBe(0)
  }, 600_000)

  it(`over ${rounds} times kill -9 of the server (socket.io-redis-streams-adapter#27)`, async () => {
    await using world = await openWorld()
    world.start(200)
    for (let round = 0; round < rounds; round += 1) {
      await moreEvents(world, 150)
      await killServer()
      await until(() => world.passing.everybodyIsIn && world.lasting.everybodyIsIn, {
        what: `everybody came back, round ${round}`,
      })
    }
    judge('kill -9 of the server', await world.finish())
    expect(world.lasting.fleet.counts['recovered']).toBeGreaterThanOrEqual(fleetSize * rounds)
  }, 600_000)

  it(`over ${Math.ceil(rounds / 2)} times kill -9 of PostgreSQL: what needs none goes on meanwhile`, async () => {
    await using world = await openWorld()
    world.start(200)
    for (let round = 0; round < Math.ceil(rounds / 2); round += 1) {
      await moreEvents(world, 150)
      const killed = killPostmaster(product.dataDirectory)
      const before = world.passing.fleet.ledger.receipts
      await until(() => ![killed, undefined].includes(postmasterPid(product.dataDirectory)), {
        what: 'another PostgreSQL',
      })
      expect(world.passing.fleet.ledger.receipts).toBeGreaterThan(before)
    }
    const verdicts = await world.finish()
    judge('kill -9 of PostgreSQL', verdicts)
    expect(verdicts.passing.resets).toBe(0)
    expect(world.passing.fleet.counts['lost'] ?? 0).toBe(0)
  }, 600_000)

  it('over a restart in order, after which everybody comes back by itself (socket.io#191, PrairieLearn#6622)', async () => {
    await using world = await openWorld()
    world.start(200)
    await moreEvents(world, 150)
    isUp = false
    const { port } = new URL(product.url)
    await endInOrder()
    await start(port)
    await moreEvents(world, 150)
    judge('restart', await world.finish())
    for (const { fleet } of [world.passing, world.lasting]) expect(fleet.counts['dismissed'] ?? 0).toBe(0)
  }, 120_000)

  it('over kill -9 of both', async () => {
    await using world = await openWorld()
    world.start(200)
    await moreEvents(world, 150)
    killPostmaster(product.dataDirectory)
    await killServer()
    await moreEvents(world, 150)
    judge('kill -9 of both', await world.finish())
  }, 120_000)
})

async function moreEvents({ publishers }: World, count: number): Promise<void> {
  const goals = [publishers.passing, publishers.lasting].map(
    (each) => [each, each.published + count] as const,
  )
  await until(() => goals.every(([each, goal]) => each.published >= goal), { what: `${count} more events` })
}

async function endInOrder(): Promise<void> {
  product.process.kill('SIGTERM')
  expect(await product.ended, product.output()).toBe(0)
}

async function killServer(): Promise<void> {
  isUp = false
  const { port } = new URL(product.url)
  product.process.kill('SIGKILL')
  await product.ended
  await start(port)
}

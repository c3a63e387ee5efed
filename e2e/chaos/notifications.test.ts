/**
 * kill -9 of the server, of PostgreSQL, of one of its processes, and of both, while programs send notifications and
 * pages show them: what was acknowledged is there once, and no page gets anything twice.
 */
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { issueToken, type TokenClaims } from '../../packages/server/src/adapters/tokens/issue-token.ts'
import { SeededRandom } from '../../packages/server/src/engine/testing/seeded-random.ts'
import { migratedDirectory, type Product, startProduct } from '../product.ts'
import { until } from '../protocol/until.ts'
import { countsAreRight, everySendIsStoredOnce, logIsWhole } from './checks.ts'
import { endSession, killBackend, killPostmaster, postmasterPid } from './kills.ts'
import { type Senders, startSenders } from './senders.ts'
import { openStockView, openStoreView, pageSize, type Shown, type StoreView, type View } from './views.ts'

/** `SENDS=100000` for a long run. */
const sends = Number(process.env['SENDS'] ?? 2_000)
const seed = Number(process.env['SEED'] ?? 1)
const secret = 'the secret of these tests, with 32 bytes or more'
/** Everybody is sent to; the first of them look at it. */
const users = Array.from({ length: 24 }, (_, n) => `user-${n}`)
const watched = users.slice(0, 6)

const kinds = ['server', 'postgres', 'backend', 'session', 'both'] as const
type Kind = (typeof kinds)[number]
/** Each kind twice, and in a long run as often as once in a thousand sends. */
const kills = Math.max(2 * kinds.length, Math.round(sends / 1_000))

let dataDirectory: string
let product: Product
let isUp = false
let views: View[] = []

beforeEach(async () => {
  dataDirectory = migratedDirectory()
  await start('0')
})
afterEach(async () => {
  for (const view of views) view.close()
  views = []
  await product.stop()
  rmSync(dataDirectory, { recursive: true, force: true })
})

async function start(port: string): Promise<void> {
  const environment = {
    JWT_SECRET: secret,
    PORT: port,
    RATE_LIMIT_MAX_REQUESTS: '1000000',
    SOCKET_EVENT_RATE_PER_SEC: '10000',
  }
  product = await startProduct({ dataDirectory, environment, host: join(import.meta.dirname, 'host.ts') })
  isUp = true
}

const tokenOf = (claims: TokenClaims) =>
  issueToken({ secret, claims, expiresInSeconds: 36_000, now: Date.now })
const programToken = () => tokenOf({ sub: 'billing', permissions: ['notifications:send', 'events:publish'] })

it(`${sends} sends and ${kills} times kill -9: nothing acknowledged is lost, nothing comes twice`, async () => {
  const random = new SeededRandom(seed)
  const began = performance.now()
  const { url } = product
  views = watched.flatMap((user) => {
    const options = { url, user, token: tokenOf({ sub: user }) }
    return [openStockView(options), openStoreView({ ...options, random })]
  })
  const senders = startSenders({ url, token: programToken(), random, users, sends, isUp: () => isUp })
  const order = killsInOrder(random)
  const every = sends / (kills + 1)
  for (const [index, kind] of order.entries()) {
    const at = Math.floor(every * index + random.below(every))
    await until(() => senders.acknowledged >= at && views.every((view) => view.isReady()), {
      get what() {
        return `kill ${index}, of ${kind}, at ${at} of ${senders.acknowledged}; ready: ${whoIsNotReady()}`
      },
      withinMs: 120_000,
    })
    await kill(kind, random)
  }
  await senders.done
  await untilNothingComes(senders)
  await senders.askAgain(Math.ceil(sends / 200))

  expect(senders.complaints).toEqual([])
  await everySendIsStoredOnce(dataDirectory, senders)
  await countsAreRight(dataDirectory, product.url)
  await logIsWhole(dataDirectory, senders)
  for (const view of views) await viewIsRight(view)
  const told = {
    seed,
    sends: senders.acknowledged,
    kills: Object.fromEntries(kinds.map((kind) => [kind, order.filter((each) => each === kind).length])),
    sentAgain: senders.repeats,
    takenWithoutAnswer: senders.takenBefore,
    heardByViews: views.reduce((sum, { heard }) => sum + heard.size, 0),
    seconds: Math.round((performance.now() - began) / 1_000),
  }
  process.stdout.write(`${JSON.stringify(told)}\n`)
}, 3_600_000)

/** All kinds as often as each other, one after the other by chance. */
function killsInOrder(random: SeededRandom): Kind[] {
  const rest = Array.from({ length: kills }, (_, index) => kinds[index % kinds.length] as Kind)
  return Array.from({ length: kills }, () => rest.splice(random.below(rest.length), 1)).flat()
}

async function kill(kind: Kind, random: SeededRandom): Promise<void> {
  const choose = (pids: number[]) => random.oneOf(pids)
  if (kind === 'postgres') await killPostgres()
  else if (kind === 'backend') await killBackend(dataDirectory, choose)
  else if (kind === 'session') await endSession(dataDirectory, choose)
  else {
    isUp = false
    const { port } = new URL(product.url)
    if (kind === 'both') killPostmaster(dataDirectory)
    product.process.kill('SIGKILL')
    await product.ended
    await start(port)
  }
}

async function killPostgres(): Promise<void> {
  const killed = killPostmaster(dataDirectory)
  await until(() => ![killed, undefined].includes(postmasterPid(dataDirectory)), {
    what: 'another PostgreSQL',
  })
}

const whoIsNotReady = () => views.filter((view) => !view.isReady()).map(({ name }) => name)

/** One notification for all views that stands behind everything else: when it has come, everything has. */
async function untilNothingComes(senders: Senders): Promise<void> {
  await until(() => views.every((view) => view.isReady()), {
    get what() {
      return `views that are there again: ${whoIsNotReady()}`
    },
  })
  const last = await senders.sendLast(watched)
  await until(() => views.every(({ heard }) => heard.has(last)), { what: 'the last one at every view' })
}

async function viewIsRight(view: View): Promise<void> {
  const { name, user, heard } = view
  expect(view.complaints).toEqual([])
  expect(
    [...heard].filter(([, times]) => times > 1),
    `${name}: heard twice`,
  ).toEqual([])
  const { list, unread } = await listOf(user)
  const shown = (await view.shown()).map(comparable)
  expect(shown, `${name}: what it shows`).toEqual(list.slice(0, 'reads' in view ? list.length : pageSize))
  await until(() => view.unread() === unread, {
    get what() {
      return `${name}: ${view.unread()} unread; there are ${unread}`
    },
  })
  // A view that heard nothing proves nothing.
  expect(heard.size).toBeGreaterThan(10)
  const isRead = new Set(list.filter(({ readAt }) => readAt !== null).map(({ id }) => id))
  const { reads = [] } = view as Partial<StoreView>
  expect(
    reads.filter((id) => !isRead.has(id)),
    `${name}: read, and unread again`,
  ).toEqual([])
}

async function listOf(user: string): Promise<{ list: Shown[]; unread: number }> {
  const list: Shown[] = []
  const headers = { authorization: `Bearer ${tokenOf({ sub: user })}` }
  for (let cursor: string | null = ''; ; ) {
    const query = cursor === '' ? '' : `&cursor=${cursor}`
    const response = await fetch(`${product.url}/api/v1/notifications?limit=${pageSize}${query}`, { headers })
    const page = (await response.json()) as {
      notifications: Shown[]
      nextCursor: string | null
      unread: number
    }
    list.push(...page.notifications.map(comparable))
    cursor = page.nextCursor
    if (cursor === null) return { list, unread: page.unread }
  }
}

const comparable = ({ id, title, readAt, createdAt }: Shown): Shown => ({ id, title, readAt, createdAt })

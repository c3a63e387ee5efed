/**
 * How fast notifications are: from a send to the client, how many a second, and how long a page of an inbox takes in
 * a table of a million.
 *
 *   node --conditions=source bench/notifications.ts [--save]
 *
 * The product runs in a process of its own with its own PostgreSQL, stock clients in this one; all share the machine.
 */
import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import os from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { io, type Socket } from 'socket.io-client'
import { issueToken } from '../packages/server/src/adapters/tokens/issue-token.ts'
import { startChild } from '../packages/testing/src/bench/processes.ts'
import type { ServerCalls } from './notifications/server.ts'

const secret = 'the secret of this bench, with 32 bytes or more'
const users = 50

interface Row {
  readonly what: string
  readonly figure: string
  readonly goal: string
  readonly isMet: boolean
}

const { values } = parseArgs({ options: { save: { type: 'boolean' } } })
const load = os.loadavg()[0]
const server = await startChild<ServerCalls>(join(import.meta.dirname, 'notifications', 'server.ts'))
const address = await server.call('address', null)
const rows: Row[] = []
const sockets: Socket[] = []
try {
  const latencies: number[] = []
  for (let n = 0; n < users; n += 1) sockets.push(await connect(`user-${n}`, (ms) => latencies.push(ms)))
  for (const perSecond of [100, 500]) {
    // Once to warm up, and once that counts.
    for (const count of [perSecond * 3, perSecond * 10]) {
      latencies.length = 0
      await server.call('pace', { perSecond, count, users })
      while (latencies.length < count) await delay(10)
    }
    row(`send to client, ${perSecond} a second, p50`, quantile(latencies, 0.5), '< 5 ms', 5)
    row(`send to client, ${perSecond} a second, p99`, quantile(latencies, 0.99), '< 25 ms', 25)
  }
  const overRest: number[] = []
  for (let n = 0; n < 500; n += 1) {
    latencies.length = 0
    await sendOverRest(n)
    while (latencies.length === 0) await new Promise((resolve) => setImmediate(resolve))
    overRest.push(latencies[0] as number)
  }
  row('request to a connected client, p50', quantile(overRest, 0.5), '', Infinity)
  row('request to a connected client, p95', quantile(overRest, 0.95), '< 50 ms', 50)
  for (const socket of sockets) socket.disconnect()

  await server.call('saturate', { count: 2_000, atOnce: 32, recipients: 1 })
  const single = 20_000
  rate(
    'sends to one user, 32 at a time',
    single,
    await server.call('saturate', { count: single, atOnce: 32, recipients: 1 }),
    3_000,
  )
  const bulk = { count: 40, atOnce: 2, recipients: 5_000 }
  rate(
    'recipients of sends to 5,000',
    bulk.count * bulk.recipients,
    await server.call('saturate', bulk),
    30_000,
  )

  await server.call('fill', { rows: 1_000_000, own: 10_000 })
  for (const what of ['page', 'later page', 'unread', 'category', 'count'] as const) {
    await server.call('read', { what, times: 200 })
    const took = await server.call('read', { what, times: 2_000 })
    row(`inbox of 10,000 in 1,000,000 rows: ${what}, p99`, quantile(took, 0.99), '< 10 ms', 10)
  }
} finally {
  await server.call('stop', null)
  await server.stop()
}

const text = `# Notifications

The product with its own PostgreSQL in one process, stock clients in another, on the same machine. One run.
${os.cpus()[0]?.model}, ${os.cpus().length} cores, ${os.type()} ${os.release()} (load ${load?.toFixed(1)} before the run). Node ${process.versions.node}. ${new Date().toISOString().slice(0, 10)}, commit ${execFileSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8' }).trim()}.
Made by \`node --conditions=source bench/notifications.ts\`.

| | seen | goal |
|---|---|---|
${rows.map(({ what, figure, goal, isMet }) => `| ${what} | ${figure} | ${goal}${isMet ? '' : ', **missed**'} |`).join('\n')}
`
console.log(text)
if (values.save === true) writeFileSync(join(import.meta.dirname, 'results/notifications.md'), text)

function row(what: string, ms: number, goal: string, below: number): void {
  show({ what, figure: `${ms.toFixed(2)} ms`, goal, isMet: ms < below })
}

function show(found: Row): void {
  rows.push(found)
  console.log(`  ${found.what}: ${found.figure} ${found.goal}`)
}

function rate(what: string, count: number, ms: number, least: number): void {
  const perSecond = (count / ms) * 1_000
  const figure = `${Math.round(perSecond).toLocaleString('en')} /s`
  show({ what, figure, goal: `≥ ${least.toLocaleString('en')} /s`, isMet: perSecond >= least })
}

async function connect(sub: string, onNew: (ms: number) => void): Promise<Socket> {
  const token = issueToken({ secret, claims: { sub }, expiresInSeconds: 3_600, now: Date.now })
  const socket = io(`${address}/notifications`, {
    auth: { token },
    transports: ['websocket'],
    forceNew: true,
  })
  socket.on('notification:new', ({ data }: { data: { askedAt: number } }) =>
    onNew(performance.timeOrigin + performance.now() - data.askedAt),
  )
  await new Promise<void>((resolve, reject) => {
    socket.once('connect', resolve)
    socket.once('connect_error', reject)
  })
  return socket
}

async function sendOverRest(n: number): Promise<void> {
  const claims = { sub: 'program', permissions: ['notifications:send'] }
  const token = issueToken({ secret, claims, expiresInSeconds: 3_600, now: Date.now })
  const data = { askedAt: performance.timeOrigin + performance.now() }
  const response = await fetch(`${address}/api/v1/notifications`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify({ userId: `user-${n % users}`, type: 'n', title: 'Hello', data }),
  })
  if (!response.ok) throw new Error(await response.text())
  await response.body?.cancel()
}

function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN
}

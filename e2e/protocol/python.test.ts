/** Debian's `python3-socketio`, whose handlers fail on an argument more than they take (F18, R14). */
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { UserId } from '@belfry/contract'
import { describe, expect, it } from 'vitest'
import { posts } from './namespaces.ts'
import { until } from './until.ts'
import { count, openWorld, type World } from './world.ts'

interface Said {
  readonly connected?: string
  readonly transport?: string
  readonly refused?: unknown
  readonly event?: string
  readonly data?: Record<string, unknown>
  readonly answer?: unknown
  readonly done?: true
}

function openPython(world: World, options: { transports?: string[]; auth?: object } = {}) {
  const { transports, auth = {} } = options
  const given = {
    url: world.url,
    namespace: '/posts',
    auth: { token: world.token(), ...auth },
    transports: transports ?? null,
  }
  const child = spawn('/usr/bin/python3', [
    join(import.meta.dirname, 'python-client.py'),
    JSON.stringify(given),
  ])
  world.keep({ terminate: () => child.kill('SIGKILL') })
  const said: Said[] = []
  let complaints = ''
  createInterface(child.stdout).on('line', (line) => said.push(JSON.parse(line)))
  child.stderr.on('data', (chunk: Buffer) => {
    complaints += chunk.toString()
  })
  const first = async <Key extends keyof Said>(key: Key): Promise<Said> => {
    const find = () => said.find((each) => each[key] !== undefined)
    await until(() => find() !== undefined || child.exitCode !== null, { what: key })
    const found = find()
    if (found === undefined) throw new Error(`The client ended without "${key}": ${complaints}`)
    return found
  }
  return {
    said,
    complaints: () => complaints,
    first,
    /** In the order of their numbers: this client runs each handler in a thread of its own. */
    events: (name: string) => said.filter(({ event }) => event === name).map(({ data }) => data),
    tell: (order: object) => child.stdin.write(`${JSON.stringify(order)}\n`),
  }
}

describe.each([
  ['as it comes', undefined, 'websocket'],
  ['over polling', ['polling'], 'polling'],
])('python3-socketio, %s', (_what, transports, transport) => {
  it('[R14] gets every event with one argument, since it is sent no cursor', async () => {
    await using world = await openWorld()
    const python = openPython(world, transports === undefined ? {} : { transports })
    const { connected } = await python.first('connected')
    const [session] = world.realtime.users.sessionsOf('ana' as UserId)
    expect(session?.id).toBe(connected)
    expect(session?.link.connection.userAgent).toMatch(/^python-requests\//)
    await until(() => session?.link.connection.transport === transport)
    const started = await python.first('event')
    expect(started).toMatchObject({ event: 'session:started', data: { pid: session?.pid, recovered: false } })
    // Many at once: it takes 16 packets in a body of polling, and gives up at more.
    for (const n of count(100)) {
      if (n % 5 === 0) await world.publish(posts, 'post:drawn', { n, image: Buffer.from([n, 255]) })
      else await world.publish(posts, 'post:created', { n, text: 'Grüße 🔔' })
    }
    await until(() => python.said.filter(({ event }) => event?.startsWith('post:')).length === 100)
    const numbers = (name: string) => python.events(name).map((data) => Number(data?.['n']))
    expect([...numbers('post:created'), ...numbers('post:drawn')].toSorted((a, b) => a - b)).toEqual(
      count(100),
    )
    expect(python.events('post:drawn')[0]).toMatchObject({ image: { bytes: [expect.any(Number), 255] } })
    expect(python.events('post:created')[0]).toMatchObject({ _meta: { id: expect.stringMatching(/\.\d+$/) } })
    expect(python.complaints()).toBe('')
  })

  it('has its commands answered, answers requests, and says goodbye', async () => {
    await using world = await openWorld()
    const python = openPython(world, transports === undefined ? {} : { transports })
    await python.first('connected')
    python.tell({ call: ['post:view', { id: 'a' }] })
    expect((await python.first('answer')).answer).toEqual({ ok: true, data: { id: 'a', seen: true } })
    const [session] = world.realtime.users.sessionsOf('ana' as UserId)
    if (session === undefined) throw new Error('There is no session.')
    expect(await world.realtime.request(session, 'post:ask', { n: 7 }, 20_000)).toEqual({ heard: 7 })
    python.tell({ leave: true })
    // It does not wait until its goodbye has left, so the server may learn of it from a silence.
    await python.first('done')
    expect(python.complaints()).toBe('')
  })
})

describe('python3-socketio', () => {
  it('[F18] that asks for cursors has handlers that fail, and stays connected', async () => {
    await using world = await openWorld()
    const python = openPython(world, { transports: ['polling'], auth: { recover: true } })
    await python.first('connected')
    await world.publish(posts, 'post:created', { n: 1 })
    await until(() => python.complaints().includes('TypeError'))
    expect(python.complaints()).toMatch(
      /TypeError: on_created\(\) takes 1 positional argument but 2 were given/,
    )
    python.tell({ call: ['post:view', { id: 'a' }] })
    expect((await python.first('answer')).answer).toMatchObject({ ok: true })
    expect(python.events('post:created')).toEqual([])
  })

  it('[R14] over WebSocket alone tells nobody what it is, and asks for no cursors itself', async () => {
    await using world = await openWorld()
    const python = openPython(world, { transports: ['websocket'], auth: { recover: false } })
    await python.first('connected')
    const [session] = world.realtime.users.sessionsOf('ana' as UserId)
    expect(session?.link.connection.userAgent).toBe('')
    await world.publish(posts, 'post:created', { n: 1 })
    await until(() => python.events('post:created').length === 1)
    expect(python.complaints()).toBe('')
  })

  it('is told why it does not get in', async () => {
    await using world = await openWorld()
    const python = openPython(world, { auth: { token: world.keepSecret('no-token-at-all') } })
    expect((await python.first('refused')).refused).toMatchObject({ data: { code: 'token_invalid' } })
  })
})

/** A namespace keeps as much of its log as its contract says, and clients may be away for as long. */
import { defineNamespace, type LogPolicy, stream } from '@belfry/contract'
import { serveNamespace } from 'belfry'
import { expect, it } from 'vitest'
import { z } from 'zod'
import { startTestServer } from './index.ts'
import { acme, ana } from './testing/posts.ts'

const happenings = (log: LogPolicy, durable: boolean) =>
  defineNamespace({
    name: '/happenings',
    summary: 'What happened.',
    durable,
    log,
    events: {
      'happening:noted': stream(z.object({ n: z.int() }), { summary: 'Something.', rooms: ['workspace'] }),
    },
    commands: {},
  })

/** A client is away for so long, and misses so many events; what it hears when it is back. */
async function hearAfter(log: LogPolicy, durable: boolean, away: `${number}m`, missed: number) {
  const contract = happenings(log, durable)
  await using server = await startTestServer({ namespaces: [serveNamespace(contract, { commands: {} })] })
  const client = server.client(ana)
  const live = await server.open(client, contract)
  const heard = server.events(live, 'happening:noted')
  const resets: string[] = []
  live.onReset((reason) => resets.push(reason))
  await server.cut(client)
  for (let n = 1; n <= missed; n += 1)
    await server.sockets.publish(contract, 'happening:noted', { n }, { rooms: [acme] })
  await server.clock.advance(away)
  await server.mend(client)
  await server.clock.advance('5s')
  return { numbers: (await heard.settled()).map(({ data }) => data.n), resets }
}

it.each([true, false])('keeps so many events: durable %s', async (durable) => {
  expect(await hearAfter({ entriesMax: 3 }, durable, '1m', 3)).toEqual({ numbers: [1, 2, 3], resets: [] })
  expect(await hearAfter({ entriesMax: 3 }, durable, '1m', 4)).toEqual({ numbers: [], resets: ['trimmed'] })
})

it.each([true, false])('keeps them for so long: durable %s', async (durable) => {
  expect(await hearAfter({ ageMsMax: 2 * 60_000 }, durable, '1m', 1)).toEqual({ numbers: [1], resets: [] })
  expect(await hearAfter({ ageMsMax: 2 * 60_000 }, durable, '3m', 1)).toEqual({
    numbers: [],
    resets: ['trimmed'],
  })
})

it('lets clients be away for half of that, if it is longer than usual; on durable namespaces for a day', async () => {
  const hour = { ageMsMax: 60 * 60_000 }
  expect(await hearAfter({}, false, '6m', 1)).toEqual({ numbers: [], resets: ['expired'] })
  expect(await hearAfter(hour, false, '29m', 1)).toEqual({ numbers: [1], resets: [] })
  expect(await hearAfter(hour, false, '31m', 1)).toEqual({ numbers: [], resets: ['expired'] })
  expect(await hearAfter({}, true, '31m', 1)).toEqual({ numbers: [1], resets: [] })
})

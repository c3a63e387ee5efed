/**
 * The built product as a program hosts it, with a durable namespace on which other programs may publish. It says what
 * the command line says.
 */
import { defineNamespace, stream } from '@belfry/contract'
import { loadSettings, serveNamespace, startBelfry } from 'belfry'
import { z } from 'zod'

const happenings = defineNamespace({
  name: '/happenings',
  summary: 'Whatever programs publish during a test.',
  durable: true,
  commands: {},
  events: {
    'happening:noted': stream(z.object({ id: z.uuid() }), {
      summary: 'Something happened.',
      rooms: ['user'],
    }),
  },
})

const belfry = await startBelfry({
  loaded: loadSettings(process.env),
  namespaces: [serveNamespace(happenings, { commands: {} })],
})
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void belfry.stop())
process.stdout.write(`Address  ${belfry.address}
Sign in  ${belfry.address}${await belfry.createSignInLink()}
Ctrl-C stops it.
`)

/** `belfry start`: starts everything, says where it is, and stops everything when it is told to. */
// First, so that every schema made after it is compiled: a check takes half the time.
import 'zod/compile'
import { parseArgs } from 'node:util'
import { type Belfry, startBelfry } from '../../server/belfry.ts'
import { loadSettings, type Settings } from '../../server/settings.ts'
import { createSettingsLogger } from '../../server/settings-logger.ts'
import { belfryVersion } from '../../server/version.ts'
import type { Command } from '../command.ts'
import type { Terminal } from '../terminal.ts'

export const start: Command = {
  usage: `Usage: belfry start [--link]

  --link  print a sign-in link even when the output is not a terminal

Settings are environment variables; "belfry config --reference" lists them.`,

  async run(words, { terminal, environment }) {
    const { values } = parseArgs({ args: [...words], options: { link: { type: 'boolean' } } })
    const loaded = loadSettings(environment)
    const { settings } = loaded
    const logger = createSettingsLogger(settings)
    const orders = listenForOrders()
    const stopped = Promise.withResolvers<number>()
    let belfry: Belfry | undefined

    process.on('uncaughtException', (error) => {
      logger.error({ err: error }, 'an error that nobody handled; stopping')
      orders.give()
      stopped.resolve(1)
    })
    try {
      belfry = await startBelfry({
        loaded,
        logger,
        signal: orders.signal,
        onProgress: (message) => terminal.progress(message),
        onDone: (message) => terminal.done(message),
      })
    } catch (error) {
      if (orders.signal.aborted) return 130
      throw error
    }
    await announce(terminal, belfry, settings, values.link === true || process.stdout.isTTY)
    await orders.given
    terminal.progress('Stopping')
    await belfry.stop()
    terminal.done('Stopped')
    stopped.resolve(0)
    return stopped.promise
  },
}

async function announce(
  terminal: Terminal,
  belfry: Belfry,
  settings: Settings,
  withLink: boolean,
): Promise<void> {
  const { print, style } = terminal
  print()
  print(`  ${style.bold(`Belfry ${belfryVersion} is ready`)}`)
  print()
  print(`  Address  ${style.link(belfry.address)}`)
  if (withLink) {
    print(`  Sign in  ${style.link(`${belfry.address}${await belfry.createSignInLink()}`)}`)
    print(`           ${style.dim('works once, within 30 minutes; "belfry link" makes another')}`)
  }
  print(`  Data     ${settings.dataDirectory}`)
  print()
  print(`  ${style.dim('Ctrl-C stops it.')}`)
  print()
}

/** The first signal asks for an orderly stop; whoever repeats it is in a hurry. */
function listenForOrders() {
  const controller = new AbortController()
  const order = Promise.withResolvers<void>()
  const give = () => {
    if (controller.signal.aborted) process.exit(130)
    controller.abort()
    order.resolve()
  }
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, give)
  return { signal: controller.signal, given: order.promise, give }
}

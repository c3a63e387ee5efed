/** `belfry link`: another sign-in link, beside a running server or before one starts. */
import { parseArgs } from 'node:util'
import { createSignInPath } from '../../server/sign-in-link.ts'
import type { Command } from '../command.ts'
import { withDatabase } from '../with-database.ts'

export const link: Command = {
  usage: `Usage: belfry link

Prints a link that signs an operator in to the console, once, within 30 minutes. Run it with the same settings
(BELFRY_DATA_DIR or DATABASE_URL, HOST and PORT) as the server.`,

  async run(words, context) {
    parseArgs({ args: [...words], options: {} })
    return withDatabase(context, 'share', async ({ opened, settings, logger }) => {
      const path = await createSignInPath(opened, logger)
      const host = ['127.0.0.1', '0.0.0.0', '::', '::1'].includes(settings.host) ? 'localhost' : settings.host
      context.terminal.print(`http://${host}:${settings.port}${path}`)
      return 0
    })
  },
}

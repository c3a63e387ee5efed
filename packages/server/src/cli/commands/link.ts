/** `belfry link`: another sign-in link, beside a running server or before one starts. */
import { parseArgs } from 'node:util'
import { readAddress } from '../../server/noted-address.ts'
import { publicAddress } from '../../server/public-address.ts'
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
      // With a database of our own to ourselves no server runs, and a note of one is left from before it was killed.
      const mayRun = opened.isShared || opened.kind === 'external'
      const noted = mayRun ? readAddress(settings.dataDirectory) : undefined
      const address = noted ?? publicAddress(settings, settings.port)
      context.terminal.print(`${address}${path}`)
      return 0
    })
  },
}

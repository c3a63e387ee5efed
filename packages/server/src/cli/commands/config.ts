import { parseArgs } from 'node:util'
import { loadSettings, settingsReference } from '../../server/settings.ts'
import type { Command } from '../command.ts'

export const config: Command = {
  usage: `Usage: belfry config [--json | --reference]

  --json       as JSON, for scripts
  --reference  every setting with its default and meaning, as Markdown`,

  async run(words, { terminal, environment }) {
    const { values } = parseArgs({
      args: [...words],
      options: { json: { type: 'boolean' }, reference: { type: 'boolean' } },
    })
    if (values.reference) {
      terminal.print(settingsReference())
      return 0
    }
    const { views } = loadSettings(environment)
    if (values.json) {
      terminal.print(JSON.stringify(views, null, 2))
      return 0
    }
    const nameWidth = Math.max(...views.map((view) => view.name.length))
    for (const { name, value, source } of views) {
      const shown = value === '' ? terminal.style.dim('(not set)') : value
      const origin = source === 'default' ? terminal.style.dim('default') : source
      terminal.print(`${name.padEnd(nameWidth)}  ${shown}  ${terminal.style.dim('·')} ${origin}`)
    }
    return 0
  },
}

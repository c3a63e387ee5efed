#!/usr/bin/env node
/** `belfry`: finds the command, runs it, and words whatever stopped it. */
import { enableCompileCache } from 'node:module'
import { homedir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { StartRefusal, systemErrorCode } from '../engine/start-refusal.ts'
import { belfryVersion } from '../server/version.ts'
import { type Command, type CommandContext, CommandFailure, Interrupted, UsageError } from './command.ts'
import { createTerminal, type Terminal } from './terminal.ts'

// Later starts of the same version read compiled code. Not from the temporary directory, as Node would have it:
// somebody else could have put other code there first.
const cacheDirectory = cacheHome()
if (cacheDirectory !== undefined) enableCompileCache(join(cacheDirectory, 'belfry', 'compiled'))

/** Commands are loaded when they are called: `belfry --help` needs no database driver. */
const commands: Record<string, { readonly summary: string; load(): Promise<Command> }> = {
  start: {
    summary: 'Start the server, and with it its database',
    load: async () => (await import('./commands/start.ts')).start,
  },
  link: {
    summary: 'Make a sign-in link for the console',
    load: async () => (await import('./commands/link.ts')).link,
  },
  token: {
    summary: 'Make a token that a client connects with',
    load: async () => (await import('./commands/token.ts')).token,
  },
  user: {
    summary: 'Keep users who sign in with a password: add, list, password, grant, remove',
    load: async () => (await import('./commands/user.ts')).user,
  },
  revoke: {
    summary: 'Take tokens back: one, those of a login, of a user, or all',
    load: async () => (await import('./commands/revoke.ts')).revoke,
  },
  publish: {
    summary: 'Publish an event through the running server',
    load: async () => (await import('./commands/publish.ts')).publish,
  },
  config: {
    summary: 'Show the settings in force and where they come from',
    load: async () => (await import('./commands/config.ts')).config,
  },
  migrate: {
    summary: 'Change the database schema: up, down, status, create',
    load: async () => (await import('./commands/migrate.ts')).migrate,
  },
  backup: {
    summary: 'Write all data to a file',
    load: async () => (await import('./commands/backup.ts')).backup,
  },
  restore: {
    summary: 'Read all data from a file that backup wrote',
    load: async () => (await import('./commands/restore.ts')).restore,
  },
  bench: {
    summary: 'Break lines of clients and count what they miss, beside socket.io',
    load: async () => (await import('./commands/bench.ts')).bench,
  },
}

const terminal = createTerminal(process.stdout, process.stderr, process.env)
bearLostOutput()
process.exitCode = await main(process.argv.slice(2), { terminal, environment: process.env })

async function main(words: readonly string[], context: CommandContext): Promise<number> {
  const [name, ...rest] = words
  if (name === undefined || name === 'help' || name === '--help' || name === '-h') {
    printHelp(context.terminal)
    return 0
  }
  if (name === '--version' || name === '-v' || name === 'version') {
    context.terminal.print(belfryVersion)
    return 0
  }
  const entry = Object.hasOwn(commands, name) ? commands[name] : undefined
  if (entry === undefined) {
    context.terminal.fail(`There is no command "${name}"; "belfry help" lists all of them.`)
    return 1
  }
  try {
    const command = await entry.load()
    if (rest.includes('--help') || rest.includes('-h')) {
      context.terminal.print(`${entry.summary}.\n\n${command.usage}`)
      return 0
    }
    return await command.run(rest, context)
  } catch (error) {
    return explain(error, context.terminal)
  }
}

function printHelp({ print, style }: Terminal): void {
  print(`Belfry ${belfryVersion}: the real-time layer of a web application.`)
  print()
  for (const [name, { summary }] of Object.entries(commands))
    print(`  belfry ${style.bold(name.padEnd(8))} ${summary}`)
  print()
  print('"belfry COMMAND --help" says more. Settings are environment variables; "belfry config" shows them.')
}

function cacheHome(): string | undefined {
  try {
    return process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache')
  } catch {
    // A user without a home.
    return undefined
  }
}

function explain(error: unknown, terminal: Terminal): number {
  if (error instanceof StartRefusal) {
    terminal.fail(error.message, error.code)
    return 1
  }
  if (error instanceof CommandFailure) {
    terminal.fail(error.message)
    return 1
  }
  if (error instanceof Interrupted) {
    terminal.fail(error.message)
    return 130
  }
  if (error instanceof UsageError || isWrongOption(error)) {
    terminal.fail(error.message)
    return 2
  }
  terminal.fail('Something went wrong that Belfry did not expect; this is a defect worth reporting:')
  process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`)
  return 1
}

/**
 * A reader that has seen enough (`belfry config | head -1`) is no failure: what is under way goes on to its orderly
 * end, with nobody listening. Output that cannot be written for another reason is one.
 */
function bearLostOutput(): void {
  let lost: Error | undefined
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error) => {
      if (systemErrorCode(error) !== 'EPIPE') lost ??= error
    })
  }
  process.on('exit', (code) => {
    if (lost === undefined || code !== 0) return
    terminal.fail(`The output could not be written (${systemErrorCode(lost) ?? lost.message}).`)
    process.exitCode = 1
  })
}

function isWrongOption(error: unknown): error is Error {
  return error instanceof Error && 'code' in error && String(error.code).startsWith('ERR_PARSE_ARGS_')
}

/** What the command line knows of a command. */
import type { Terminal } from './terminal.ts'

export interface CommandContext {
  readonly terminal: Terminal
  readonly environment: NodeJS.ProcessEnv
}

export interface Command {
  /** Shown by `--help`. */
  readonly usage: string
  /** Resolves with the exit code. */
  run(words: readonly string[], context: CommandContext): Promise<number>
}

/** Something outside of Belfry is in the way of a command, such as a file that cannot be written. */
export class CommandFailure extends Error {
  override readonly name = 'CommandFailure'
}

/** Ctrl-C, or a signal that means the same. */
export class Interrupted extends Error {
  override readonly name = 'Interrupted'
}

/** The command was called in a way that makes no sense. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}

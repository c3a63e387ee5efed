/** Turns the ways in which PostgreSQL's programs fail into a sentence that says what to do. */
import { StartRefusal, type StartRefusalCode, systemErrorCode } from '../../../engine/start-refusal.ts'

export interface PostgresFailure {
  /** Why the program could not be started at all. */
  readonly error?: Error | undefined
  /** What it said before it gave up. */
  readonly output: string
  readonly program: string
}

interface Explanation {
  readonly matches: RegExp
  readonly code: StartRefusalCode
  sentence(what: string, program: string): string
}

const ownDatabase = 'or set DATABASE_URL to a PostgreSQL of your own'

const explanations: readonly Explanation[] = [
  {
    matches: /could not look up effective user ID|could not look up local user|user does not exist/i,
    code: 'postgres_no_user',
    sentence: (what) =>
      `${what} needs its user to have an entry in the list of users (/etc/passwd), and the user with id ${process.getuid?.()} has none: add one, start as another user, ${ownDatabase}.`,
  },
  {
    matches: /version [`']GLIBC_[\d.]+' not found|GLIBC_/,
    code: 'postgres_libc',
    sentence: (what) =>
      `The embedded ${what} needs glibc 2.27 or later, and this system has an older one: update it, ${ownDatabase}.`,
  },
  {
    matches: /No space left on device|Disk quota exceeded/i,
    code: 'disk_full',
    sentence: (what) => `${what} could not start because the disk is full: make room, then start again.`,
  },
  {
    matches: /Read-only file system/i,
    code: 'data_directory_not_writable',
    sentence: (what) => `${what} could not write to the data directory because its file system is read-only.`,
  },
  {
    matches: /could not (?:access|open|change)[^\n]*Permission denied/i,
    code: 'data_directory_not_reachable',
    sentence: (what) =>
      `${what} may not enter the data directory: choose a BELFRY_DATA_DIR whose parent directories everybody may enter (such as /var/lib/belfry), or start Belfry as an ordinary user.`,
  },
  {
    matches:
      /could not resize shared memory segment|could not map anonymous shared memory|Cannot allocate memory/i,
    code: 'postgres_failed',
    sentence: (what) =>
      `${what} did not get the memory it asked for (about 100 MB): free some, ${ownDatabase}.`,
  },
]

export function explainPostgresFailure(what: string, failure: PostgresFailure): StartRefusal {
  const { error, output, program } = failure
  const options = error === undefined ? undefined : { cause: error }
  const known = explanations.find(({ matches }) => matches.test(output))
  if (known !== undefined) return new StartRefusal(known.code, known.sentence(what, program), options)
  switch (systemErrorCode(error)) {
    case 'EACCES':
    case 'EPERM':
      return new StartRefusal(
        'postgres_not_executable',
        `${program} may not be executed: its file system is probably mounted "noexec"; install Belfry elsewhere, ${ownDatabase}.`,
        options,
      )
    case 'ENOENT':
      // The file is there; what is missing is the loader it names.
      return new StartRefusal(
        'postgres_libc',
        `The embedded ${what} needs glibc, which this system (Alpine, perhaps) does not have: use a system with glibc, ${ownDatabase}.`,
        options,
      )
    default:
      return new StartRefusal(
        'postgres_failed',
        `${what} did not start: ${lastWords(output) ?? error?.message ?? 'it said nothing'}.`,
        options,
      )
  }
}

/** The most telling line of a program's output. */
function lastWords(output: string): string | undefined {
  const lines = output
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
  const telling = lines.findLast((line) => /fatal|panic|error/i.test(line)) ?? lines.at(-1)
  return telling?.replace(/^.*?(?:FATAL|PANIC|ERROR|error):\s*/, '').replace(/\.$/, '')
}

/**
 * Why Belfry did not start, or stopped before it did anything: an operator reads these, so each is one sentence
 * that says what is in the way and what to do. A test compares the table with docs/errors.md.
 */
export const startRefusals = {
  settings_invalid: 'One or more environment variables have values that Belfry cannot use.',
  port_in_use: 'Another program listens on the port.',
  address_unavailable: 'The server cannot listen on the address or port: it is not ours to take.',
  data_directory_in_use: 'Another Belfry, or a PostgreSQL it left behind, is using the data directory.',
  data_directory_copied: 'The data directory was copied or moved while a server was using it.',
  data_directory_elsewhere: 'The data directory was last used by another host over a network file system.',
  data_directory_not_writable: 'Belfry cannot write to the data directory.',
  data_directory_not_reachable: 'The user that PostgreSQL runs as cannot enter the data directory.',
  data_directory_other_user: 'The data directory belongs to another user.',
  data_directory_other_version: 'The data was written by another major version of PostgreSQL.',
  data_directory_incomplete: 'Something that belongs to the data directory is missing.',
  data_directory_unsuitable: 'The file system of the data directory lacks something that Belfry needs.',
  disk_full: 'There is no room left on the disk of the data directory.',
  postgres_missing: 'No embedded PostgreSQL exists for this platform, or it was not installed.',
  postgres_not_executable: 'The embedded PostgreSQL may not be executed where it lies.',
  postgres_libc: 'The embedded PostgreSQL needs glibc 2.27 or later.',
  postgres_no_user: 'PostgreSQL needs a user other than root, with an entry in the list of users.',
  postgres_failed: 'PostgreSQL did not start.',
  database_unreachable: 'The database that DATABASE_URL names does not answer.',
  database_too_old: 'Belfry needs PostgreSQL 14 or later.',
  database_refused: 'The database answered, but refused us.',
  schema_newer: 'The database was written by a newer Belfry.',
  schema_changed: 'A migration that was applied earlier has another content now.',
  migration_failed: 'A migration failed and was undone.',
  host_tables_invalid: 'The tables that the hosting program describes cannot be made.',
  backup_invalid: 'The file is not a whole, unaltered backup of Belfry.',
  backup_target_not_empty: 'The database to restore into already holds data.',
} as const satisfies Record<string, string>

export type StartRefusalCode = keyof typeof startRefusals

export class StartRefusal extends Error {
  override readonly name = 'StartRefusal'
  readonly code: StartRefusalCode

  constructor(code: StartRefusalCode, sentence: string, options?: { cause?: unknown }) {
    super(sentence, options)
    this.code = code
  }
}

/** The code of a system error, such as `ENOENT`; `undefined` for anything else. */
export function systemErrorCode(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined
}

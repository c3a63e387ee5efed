/**
 * Whom PostgreSQL runs as. It refuses root, so a server started by root gives it a user of its own: `belfry`, which
 * is created where that is possible, else `nobody`. Everybody else runs it as themselves.
 */
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { StartRefusal } from '../../../engine/start-refusal.ts'

export interface SystemUser {
  readonly name: string
  readonly uid: number
  readonly gid: number
  /** What `child_process` needs to become this user; empty when we are this user already. */
  readonly spawnAs: { readonly uid?: number; readonly gid?: number }
}

export function choosePostgresUser(): SystemUser {
  const uid = process.getuid?.() ?? 0
  if (uid !== 0) {
    return {
      name: findUser((user) => user.uid === uid)?.name ?? String(uid),
      uid,
      gid: process.getgid?.() ?? uid,
      spawnAs: {},
    }
  }
  const user = findByName('belfry') ?? createUser('belfry') ?? findByName('nobody')
  if (user === undefined) {
    throw new StartRefusal(
      'postgres_no_user',
      'PostgreSQL refuses to run as root, and there is neither a user "belfry" nor "nobody" to run it as: create one with "useradd --system belfry", or set DATABASE_URL to a PostgreSQL of your own.',
    )
  }
  return { ...user, spawnAs: { uid: user.uid, gid: user.gid } }
}

interface User {
  readonly name: string
  readonly uid: number
  readonly gid: number
}

function findByName(name: string): User | undefined {
  return findUser((user) => user.name === name)
}

function createUser(name: string): User | undefined {
  const options = [
    '--system',
    '--no-create-home',
    '--home-dir',
    '/nonexistent',
    '--shell',
    '/usr/sbin/nologin',
  ]
  spawnSync('useradd', [...options, name], { stdio: 'ignore' })
  return findByName(name)
}

function findUser(matches: (user: User) => boolean): User | undefined {
  return readUsers().find(matches)
}

function readUsers(): User[] {
  try {
    return readFileSync('/etc/passwd', 'utf8')
      .split('\n')
      .map((line) => line.split(':'))
      .filter((fields) => fields.length >= 4)
      .map(([name = '', , uid, gid]) => ({ name, uid: Number(uid), gid: Number(gid) }))
  } catch {
    return []
  }
}

/** Users, mounts and namespaces for tests of a start. What a machine cannot offer is an error, not a skip. */
import { spawnSync } from 'node:child_process'
import { chownSync, readdirSync, readFileSync, readlinkSync } from 'node:fs'

const isRoot = process.getuid?.() === 0

/** Root becomes `nobody`, who gets `directory`; everybody else is an ordinary user already. */
export function ordinaryUser(directory: string): { uid: number; gid: number } {
  if (!isRoot) return { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 }
  const user = nobody()
  chownSync(directory, user.uid, user.gid)
  return user
}

export function nobody(): { uid: number; gid: number } {
  const line = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .find((entry) => entry.startsWith('nobody:'))
  const [, , uid, gid] = line?.split(':') ?? []
  if (uid === undefined) throw new Error('There is no user "nobody".')
  return { uid: Number(uid), gid: Number(gid) }
}

/** A program in front of another that runs it in a pid namespace of its own. */
export function pidNamespace(): string[] {
  return mustWork([...namespaces(), '--pid', '--fork', '--kill-child=SIGTERM', '--mount-proc'])
}

/** A program in front of another that sees `directory` as a read-only file system. */
export function readOnlyMount(directory: string): string[] {
  const mount = `mount -t tmpfs -o ro tmpfs ${directory} && exec "$@"`
  return [...mustWork([...namespaces(), '--mount']), 'sh', '-c', mount, 'sh']
}

function namespaces(): string[] {
  return isRoot ? ['unshare'] : ['unshare', '--user', '--map-root-user']
}

function mustWork(wrapper: string[]): string[] {
  const [program = '', ...options] = wrapper
  const { status, stderr } = spawnSync(program, [...options, 'true'], { encoding: 'utf8' })
  if (status !== 0) throw new Error(`${wrapper.join(' ')} does not work here: ${stderr}`)
  return wrapper
}

/** PostgreSQL processes whose cluster lies in `dataDirectory`. */
export function postgresProcesses(dataDirectory: string): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => {
      try {
        return readlinkSync(`/proc/${pid}/cwd`).startsWith(`${dataDirectory}/`)
      } catch {
        return false
      }
    })
}

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

/** A program in front of another that runs it in a pid namespace of its own, which outlives the other. */
export function pidNamespace(): string[] {
  const unshare = mustWork([...namespaces(), '--pid', '--fork', '--kill-child', '--mount-proc'])
  return [...unshare, 'sh', '-c', '"$@"; exec sleep infinity', 'sh']
}

/** A program in front of another that sees `directory` as a read-only file system. */
export function readOnlyMount(directory: string): string[] {
  const mount = `mount -t tmpfs -o ro tmpfs ${directory} && exec "$@"`
  return [...mustWork([...namespaces(), '--mount']), 'sh', '-c', mount, 'sh']
}

/** A program in front of another that sees `directory` as a file system of its own with so much room. */
export function smallMount(directory: string, megabytes: number): string[] {
  const mount = `mount -t tmpfs -o size=${megabytes}m,mode=711 tmpfs ${directory} && exec "$@"`
  return [...mustWork([...namespaces(), '--mount']), 'sh', '-c', mount, 'sh']
}

function namespaces(): string[] {
  return isRoot ? ['unshare'] : ['unshare', '--user', '--map-current-user', '--keep-caps']
}

function mustWork(wrapper: string[]): string[] {
  const [program = '', ...options] = wrapper
  const { status, stderr } = spawnSync(program, [...options, 'true'], { encoding: 'utf8' })
  if (status !== 0) throw new Error(`${wrapper.join(' ')} does not work here: ${stderr}`)
  return wrapper
}

/** Servers that were started on `dataDirectory`, in whatever namespace. */
export function serverProcesses(dataDirectory: string): number[] {
  return processes((pid) => {
    const environment = readFileSync(`/proc/${pid}/environ`, 'utf8')
    const words = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0')
    return environment.includes(`BELFRY_DATA_DIR=${dataDirectory}\0`) && /(^|\/)node$/.test(words[0] ?? '')
  })
}

/** PostgreSQL processes whose cluster lies in `dataDirectory`. */
export function postgresProcesses(dataDirectory: string): number[] {
  return processes((pid) => readlinkSync(`/proc/${pid}/cwd`).startsWith(`${dataDirectory}/`))
}

function processes(matches: (pid: number) => boolean): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => {
      try {
        return matches(pid)
      } catch {
        // It ended while we looked, or is not ours to look at.
        return false
      }
    })
}

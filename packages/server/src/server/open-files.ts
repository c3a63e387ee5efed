/** Each connection takes an open file: whether the system lets this process have as many as it may be asked for. */
import { readFileSync } from 'node:fs'

/** Database, logs, the console's files, requests of REST. */
const filesBeside = 200

/** A sentence for the operator when the limit is too low; `undefined` when it is not, or cannot be known. */
export function openFilesWarning(connectionsMax: number, limit = openFilesLimit()): string | undefined {
  const needed = connectionsMax + filesBeside
  if (limit === undefined || limit >= needed) return undefined
  return (
    `This process may have ${limit} open files, but MAX_SOCKET_CONNECTIONS=${connectionsMax} needs ${needed}: ` +
    `raise the limit (ulimit -n ${needed}, or LimitNOFILE in a systemd unit), or lower the setting.`
  )
}

/** Node has raised the soft limit to the hard one by then. */
function openFilesLimit(): number | undefined {
  try {
    const soft = /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1]
    return soft === undefined ? undefined : Number(soft)
  } catch {
    // Not Linux.
    return undefined
  }
}

/**
 * Commands that change the session they run in, rather than data. Connections are shared: a `begin` or a
 * `set` sent as a statement would reach everybody behind it, and a `copy` stops a pipeline.
 */
export function refuseSessionCommand(text: string, place: 'alone' | 'in a transaction'): void {
  const command = commandIn(text)
  const refused =
    place === 'alone'
      ? refusedAlone.has(command)
      : refusedInTransaction.has(command) && !isLocal(command, text)
  if (!refused) return
  throw new TypeError(
    `"${command}" cannot be sent ${place}, since connections are shared. Use transaction() and its statements.`,
  )
}

const refusedInTransaction = new Set(
  'abort begin commit copy deallocate discard end listen prepare reset rollback set start unlisten'.split(
    ' ',
  ),
)
const refusedAlone = new Set([...refusedInTransaction, 'declare', 'release', 'savepoint'])

function commandIn(text: string): string {
  const match = /^(?:\s|--[^\n]*\n|\/\*[\s\S]*?\*\/)*([a-z]+)/i.exec(text)
  return match?.[1]?.toLowerCase() ?? ''
}

/** What ends with the transaction is allowed in it. */
function isLocal(command: string, text: string): boolean {
  if (command === 'rollback') return /\brollback\s+(work\s+|transaction\s+)?to\b/i.test(text)
  if (command === 'set') return /\bset\s+(local|constraints|transaction)\b/i.test(text)
  return false
}

/** Options of commands that say who somebody is: ids, and lists of them. */
import { idLengthMax, parseId } from '@belfry/contract'
import { UsageError } from './command.ts'

export const claimsOptions = {
  name: { type: 'string' },
  workspaces: { type: 'string' },
  teams: { type: 'string' },
  roles: { type: 'string' },
  permissions: { type: 'string' },
} as const

export function readId(option: string, given: string): string {
  const id = parseId(given)
  if (id !== undefined) return id
  throw new UsageError(
    `${option} has ${JSON.stringify(given)}, but takes text of 1 to ${idLengthMax} characters without control characters.`,
  )
}

export function readList(option: string, given: string | undefined): string[] | undefined {
  return given?.split(',').map((entry) => readId(option, entry.trim()))
}

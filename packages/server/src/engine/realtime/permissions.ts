/** Who may do what: permissions are words in the token; the role `admin` has all of them. */
import type { Principal } from '../ports/token-verifier.ts'

export const operatorRole = 'admin'

export function mayUse({ roles, permissions }: Principal, permission: string | undefined): boolean {
  return permission === undefined || permissions.includes(permission) || roles.includes(operatorRole)
}

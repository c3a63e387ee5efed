/** Whose token it is: a connection that many tabs share must be that of the user they all have. */
import type { TokenSource } from '../token.ts'

/** The same source, without tokens of others: it fails where it would give one. */
export function onlyOf(user: string, source: TokenSource): TokenSource {
  const checked = (token: string): string => {
    const subject = subjectOf(token)
    if (subject !== undefined && subject !== user)
      throw new Error('The token is of another user than these tabs.')
    return token
  }
  if (typeof source !== 'string') return async (reason) => checked(await source(reason))
  const subject = subjectOf(source)
  return subject === undefined || subject === user ? source : () => checked(source)
}

/** The claim `sub`; of what is no token, the server has to say so. */
export function subjectOf(token: string): unknown {
  try {
    const [, claims = ''] = token.split('.')
    const binary = atob(claims.replaceAll('-', '+').replaceAll('_', '/'))
    const bytes = Uint8Array.from(binary, (character) => character.charCodeAt(0))
    return JSON.parse(new TextDecoder().decode(bytes)).sub
  } catch {
    return undefined
  }
}

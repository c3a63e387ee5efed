/**
 * A sign-in link is `<address>/sign-in#token=<token>`: the part behind the hash sign is never sent, so it cannot reach a
 * log. It is removed from the address and from the history before it is used.
 */
export function takeSignInToken(): string | undefined {
  if (location.pathname !== '/sign-in') return undefined
  const token = new URLSearchParams(location.hash.slice(1)).get('token')
  if (token === null) return undefined
  history.replaceState(null, '', `${location.pathname}${location.search}`)
  return token
}

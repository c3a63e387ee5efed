/** A page whose tokens end every few minutes, and that never reconnects for it; docs/authentication.md shows it. */
import type { Answer } from '@belfry/contract'
import { io } from 'socket.io-client'

/** `freshToken` asks your server, or `POST /api/v1/auth/refresh`. */
export function openSockets(url: string, freshToken: () => Promise<string>, tell: (what: string) => void) {
  const auth = async (bring: (auth: object) => void) => bring({ token: await freshToken() })
  // One connection for all namespaces.
  const identity = io(`${url}/auth`, { auth })
  const realtime = io(`${url}/realtime`, { auth })
  identity.on('auth:expiring', async () => {
    identity.emit('authenticate', { token: await freshToken() }, (answer: Answer<unknown>) => {
      if (!answer.ok) tell(answer.error.message)
    })
  })
  identity.on('session:closing', ({ code }) => {
    if (code === 'token_expired' || code === 'token_revoked') tell('Sign in again.')
  })
  return { identity, realtime }
}

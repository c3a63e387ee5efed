/** The REST side: for users who sign in, and for operators who take tokens back. */
import {
  loginReply,
  loginRequest,
  logoutRequest,
  Refusal,
  refreshRequest,
  revocationReply,
  revocationRequest,
} from '@belfry/contract'
import { type AnyRoute, defineRoute } from '../../engine/route.ts'
import type { Logins } from './logins.ts'
import type { Revoking } from './revoking.ts'

export function authenticationRoutes({
  logins,
  revoking,
}: {
  readonly logins: Logins
  readonly revoking: Revoking
}): AnyRoute[] {
  const tag = 'Authentication'
  return [
    defineRoute({
      method: 'POST',
      path: '/api/v1/auth/login',
      tag,
      access: 'public',
      summary: 'Sign in with a password',
      description:
        'Begins a login: an access token for sockets and REST, and a refresh token that brings the next ones.',
      refusals: ['login_refused'],
      body: loginRequest,
      reply: loginReply,
      handle: ({ body, address }) => logins.logIn(body, address),
    }),
    defineRoute({
      method: 'POST',
      path: '/api/v1/auth/refresh',
      tag,
      access: 'public',
      summary: 'Renew the tokens of a login',
      description:
        'A refresh token is good once. Within ten seconds it gets the same answer again; later, its login ends, because two hold it.',
      refusals: ['login_ended'],
      body: refreshRequest,
      reply: loginReply,
      handle: ({ body }) => logins.refresh(body.refreshToken),
    }),
    defineRoute({
      method: 'POST',
      path: '/api/v1/auth/logout',
      tag,
      access: 'public',
      summary: 'Log out',
      description:
        'Ends the login of the refresh token in the body, or that of the bearer token; a bearer token without a login is taken back itself. Sockets that came with it end at once.',
      refusals: ['token_missing'],
      body: logoutRequest,
      reply: undefined,
      async handle({ body, identity }) {
        if (body.refreshToken !== undefined) await logins.logOut(body.refreshToken)
        if (identity?.principal !== undefined) await revoking.logOut(identity.principal)
        else if (body.refreshToken === undefined) throw new Refusal('token_missing')
      },
    }),
    defineRoute({
      method: 'POST',
      path: '/api/v1/auth/revocations',
      tag,
      access: 'operator',
      summary: 'Take tokens back',
      description:
        'A token by its id (claim jti), a login (claim sid), or what was issued before a moment to a user or to everyone. In force within a second, for REST and for sockets that are open.',
      body: revocationRequest,
      reply: revocationReply,
      async handle({ body, identity }) {
        const { keptUntilMs } = await revoking.revoke(body, identity?.name ?? '')
        return { keptUntil: new Date(keptUntilMs).toISOString() }
      },
    }),
  ]
}

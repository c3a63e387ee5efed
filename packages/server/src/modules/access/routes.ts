import { Refusal, type SessionView, sessionView, signInRequest } from '@belfry/contract'
import { type AnyRoute, defineRoute } from '../../engine/route.ts'
import type { AccessService, OpenSession } from './service.ts'

export function accessRoutes(service: AccessService): AnyRoute[] {
  const path = '/api/v1/access/session'
  const tag = 'Access'
  return [
    defineRoute({
      method: 'POST',
      path,
      tag,
      summary: 'Sign in with a link',
      description: 'Uses the link up and sets the session cookie. A session ends 12 hours after signing in.',
      access: 'public',
      refusals: ['sign_in_link_invalid'],
      body: signInRequest,
      reply: sessionView,
      async handle({ body, session }) {
        const signedIn = await service.signIn(body.token)
        // The browser would forget the old cookie anyway; nobody else should be able to use it either.
        if (session.token !== undefined) await service.signOut(session.token)
        session.start(signedIn.token, signedIn.session.expiresAt)
        return viewOf(signedIn.session)
      },
    }),
    defineRoute({
      method: 'GET',
      path,
      tag,
      summary: 'Who is signed in',
      access: 'public',
      refusals: ['unauthenticated'],
      reply: sessionView,
      async handle({ session }) {
        const open = session.token === undefined ? undefined : await service.identify(session.token)
        if (open === undefined) throw new Refusal('unauthenticated')
        return viewOf(open)
      },
    }),
    defineRoute({
      method: 'DELETE',
      path,
      tag,
      summary: 'Sign out',
      description: 'Ends the session for every tab that holds it. Nothing happens when nobody is signed in.',
      access: 'public',
      reply: undefined,
      async handle({ session }) {
        if (session.token !== undefined) await service.signOut(session.token)
        session.end()
      },
    }),
  ]
}

function viewOf(session: OpenSession): SessionView {
  return { name: session.name, roles: [...session.roles], expiresAt: session.expiresAt.toISOString() }
}

/** The session cookie of the console: unreadable for scripts, sent to this site only. */
import type { FastifyReply, FastifyRequest } from 'fastify'

export const sessionCookieName = 'belfry_session'

export function readSessionCookie(request: FastifyRequest): string | undefined {
  const token = request.cookies[sessionCookieName]
  return token === '' ? undefined : token
}

export function setSessionCookie(
  request: FastifyRequest,
  reply: FastifyReply,
  token: string,
  expires: Date,
): void {
  reply.setCookie(sessionCookieName, token, { ...attributes(request), expires })
}

export function clearSessionCookie(request: FastifyRequest, reply: FastifyReply): void {
  reply.clearCookie(sessionCookieName, attributes(request))
}

/** Secure only over https: on plain http, as on the first start on localhost, a browser would drop the cookie. */
function attributes(request: FastifyRequest) {
  return { httpOnly: true, sameSite: 'strict', path: '/', secure: request.protocol === 'https' } as const
}

/**
 * What every API request passes, in this order: forgery, who is it, how often, may they. Later steps trust earlier
 * ones: the limit counts by the identity found before it, and a refused caller has been counted.
 */
import { Refusal } from '@belfry/contract'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { Principal } from '../../engine/ports/token-verifier.ts'
import { mayUse, operatorRole } from '../../engine/realtime/permissions.ts'
import type { Access, Identity } from '../../engine/route.ts'
import type { OriginPolicy } from './origin.ts'
import type { CountRequest } from './rate-limit.ts'
import { readSessionCookie } from './session-cookie.ts'

declare module 'fastify' {
  interface FastifyRequest {
    identity: Identity | undefined
    sessionToken: string | undefined
  }
  interface FastifyContextConfig {
    access?: Access
    isStream?: boolean
  }
}

export type ResolveIdentity = (sessionToken: string) => Promise<Identity | undefined>

/** Refuses as a connect of a socket would. */
export type ResolvePrincipal = (token: string) => Principal | Promise<Principal>

export interface GuardOptions {
  readonly origins: OriginPolicy
  readonly countRequest: CountRequest
  readonly resolveIdentity: ResolveIdentity
  readonly resolvePrincipal: ResolvePrincipal
}

/** To be called inside the scope that holds the API routes. */
export function guardRoutes(scope: FastifyInstance, options: GuardOptions): void {
  scope.addHook('onRequest', async (request, reply) => {
    reply.header('cache-control', 'no-store')
    const token = bearerToken(request)
    // Who says who they are needs no cookie: that one may belong to somebody else who uses this browser.
    request.sessionToken = token === undefined ? readSessionCookie(request) : undefined
    options.origins.refuseForgery(request, request.sessionToken !== undefined)
    const { access = 'operator' } = request.routeOptions.config
    const refused = await identify(request, token, options)
    const isTrusted = refused === undefined && mayEnter(access, request.identity)
    // The limit is for users of applications. Whoever was given a permission is a program that serves many of them.
    if (!isTrusted || typeof access === 'string') await options.countRequest(request, reply)
    if (refused !== undefined) throw refused
    if (!isTrusted) throw new Refusal(request.identity === undefined ? 'unauthenticated' : 'forbidden')
  })
}

/** A token that was refused counts as a request all the same. */
async function identify(
  request: FastifyRequest,
  token: string | undefined,
  { resolveIdentity, resolvePrincipal }: GuardOptions,
): Promise<Refusal | undefined> {
  if (token === undefined) {
    if (request.sessionToken !== undefined) request.identity = await resolveIdentity(request.sessionToken)
    return undefined
  }
  try {
    const principal = await resolvePrincipal(token)
    request.identity = { name: principal.userId, roles: principal.roles, principal }
    return undefined
  } catch (error) {
    if (error instanceof Refusal) return error
    throw error
  }
}

export function mayEnter(access: Access, identity: Identity | undefined): boolean {
  if (access === 'public') return true
  if (access === 'user') return identity?.principal !== undefined
  if (identity?.roles.includes(operatorRole)) return true
  if (access === 'operator' || identity?.principal === undefined) return false
  return mayUse(identity.principal, access.permission)
}

function bearerToken({ headers }: FastifyRequest): string | undefined {
  const [scheme = '', token] = headers.authorization?.split(' ') ?? []
  return scheme.toLowerCase() === 'bearer' ? (token ?? '') : undefined
}

/**
 * What every API request passes, in this order: forgery, who is it, how often, may they. Later steps trust earlier
 * ones: the limit counts by the identity found before it, and a refused caller has been counted.
 */
import { Refusal } from '@belfry/contract'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { AnyRoute, Identity } from '../../engine/route.ts'
import type { OriginPolicy } from './origin.ts'
import type { CountRequest } from './rate-limit.ts'
import { readSessionCookie } from './session-cookie.ts'

declare module 'fastify' {
  interface FastifyRequest {
    identity: Identity | undefined
    sessionToken: string | undefined
  }
  interface FastifyContextConfig {
    access?: AnyRoute['access']
    isStream?: boolean
  }
}

export type ResolveIdentity = (sessionToken: string) => Promise<Identity | undefined>

export interface GuardOptions {
  readonly origins: OriginPolicy
  readonly countRequest: CountRequest
  readonly resolveIdentity: ResolveIdentity
}

/** To be called inside the scope that holds the API routes. */
export function guardRoutes(scope: FastifyInstance, options: GuardOptions): void {
  scope.addHook('onRequest', async (request, reply) => {
    reply.header('cache-control', 'no-store')
    request.sessionToken = readSessionCookie(request)
    options.origins.refuseForgery(request, request.sessionToken !== undefined)
    if (request.sessionToken !== undefined) {
      request.identity = await options.resolveIdentity(request.sessionToken)
    }
    await options.countRequest(request, reply)
    refuseStrangers(request)
  })
}

export function mayEnter(access: AnyRoute['access'], identity: Identity | undefined): boolean {
  return access === 'public' || identity?.roles.includes('admin') === true
}

function refuseStrangers(request: FastifyRequest): void {
  if (mayEnter(request.routeOptions.config.access ?? 'operator', request.identity)) return
  throw new Refusal(request.identity === undefined ? 'unauthenticated' : 'forbidden')
}

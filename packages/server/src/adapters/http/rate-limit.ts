/** How often one caller may ask: counted by user when signed in, by address otherwise. */

import { isIP } from 'node:net'
import { Refusal } from '@belfry/contract'
import rateLimit, { normalizeIP } from '@fastify/rate-limit'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Identity } from '../../engine/route.ts'

export interface RateLimit {
  readonly windowMs: number
  /** Requests of one caller in a window. */
  readonly max: number
}

/** Counts the request; throws when there were too many. */
export type CountRequest = (request: FastifyRequest, reply: FastifyReply) => Promise<void>

export async function createRateLimit(app: FastifyInstance, limit: RateLimit): Promise<CountRequest> {
  await app.register(rateLimit, {
    global: false,
    max: ({ identity }: FastifyRequest) => limit.max * (isOperator(identity) ? operatorFactor : 1),
    timeWindow: limit.windowMs,
    cache: callersMax,
    keyGenerator: callerOf,
  })
  const count = app.createRateLimit()
  return async (request, reply) => {
    const result = await count(request)
    if (result.isAllowed) return
    reply
      .header('x-ratelimit-limit', result.max)
      .header('x-ratelimit-remaining', result.remaining)
      .header('x-ratelimit-reset', result.ttlInSeconds)
    if (!result.isExceeded) return
    reply.header('retry-after', result.ttlInSeconds)
    throw new Refusal('too_many_requests')
  }
}

/**
 * The console asks three or four times for each page that an operator opens: the limit of an ordinary caller, which
 * is meant for applications that live on their socket, would lock operators out while they look for a fault.
 */
const operatorFactor = 10

function isOperator(identity: Identity | undefined): boolean {
  return identity?.roles.includes('admin') ?? false
}

function callerOf(request: FastifyRequest): string {
  const { identity } = request
  return identity === undefined ? `address ${addressOf(request)}` : `user ${identity.name}`
}

export function addressOf({ ip }: FastifyRequest): string {
  // None: the caller is gone already, or a proxy forwarded something else, of any length.
  return typeof ip === 'string' && isIP(ip) !== 0 ? normalizeIP(ip) : 'unknown'
}

/** Callers remembered at most, about 200 bytes each; beyond that the one not seen longest is forgotten. */
const callersMax = 10_000

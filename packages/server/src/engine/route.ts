import type { ErrorCode } from '@belfry/contract'
import type { z } from 'zod'
import type { Principal } from './ports/token-verifier.ts'

/** Who calls. Built at the edge from a session or a token, never from what the caller says of itself. */
export interface Identity {
  readonly name: string
  readonly roles: readonly string[]
  /** Of who came with a token of the application, as sockets do; operators come with a session of the console. */
  readonly principal?: Principal
}

/**
 * `public`: everybody. `user`: with a token, whoever it speaks for. `operator`: with the role `admin`, by session or
 * token. A permission: operators, and tokens that grant it.
 */
export type Access = 'public' | 'user' | 'operator' | { readonly permission: string }

export interface RouteContext<Params, Query, Body> {
  readonly params: Params
  readonly query: Query
  readonly body: Body
  /** Absent on public routes when nobody is signed in. */
  readonly identity: Identity | undefined
  /** Whom the token speaks for; throws where there is none, which the access `user` rules out. */
  readonly principal: Principal
  /** Aborted when the caller goes away. */
  readonly signal: AbortSignal
  /** Where the caller is, as far as limits tell addresses apart: of IPv6, the network. */
  readonly address: string
  /** The console's session cookie. */
  readonly session: {
    readonly token: string | undefined
    start(token: string, expiresAt: Date): void
    end(): void
  }
}

interface RouteShape<Params, Query, Body> {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  /** Fastify's and OpenAPI's common ground: `/api/v1/things/:id`. */
  readonly path: string
  readonly tag: string
  readonly summary: string
  readonly description?: string
  readonly access: Access
  /** Refusals of its own, for the documentation; those that follow from the shape above need not be named. */
  readonly refusals?: readonly ErrorCode[]
  readonly params?: z.ZodType<Params>
  readonly query?: z.ZodType<Query>
  readonly body?: z.ZodType<Body>
}

/** A REST endpoint as a module describes it; the HTTP adapter serves and documents it. */
export interface Route<Params = unknown, Query = unknown, Body = unknown, Reply = unknown>
  extends RouteShape<Params, Query, Body> {
  readonly kind: 'reply'
  /** Schema of the answer; `undefined` means 204 without a body. */
  readonly reply: z.ZodType<Reply> | undefined
  handle(context: RouteContext<Params, Query, Body>): Promise<Reply>
}

/** An endpoint that answers with server-sent events until the caller goes away. */
export interface StreamRoute<Params = unknown, Query = unknown, Event = unknown>
  extends RouteShape<Params, Query, undefined> {
  readonly kind: 'stream'
  readonly event: z.ZodType<Event>
  open(context: RouteContext<Params, Query, undefined>): AsyncIterable<Event>
}

// A list of routes holds many shapes; what each handler receives was checked where the route was defined.
// biome-ignore lint/suspicious/noExplicitAny: existential type, see above
export type AnyRoute = Route<any, any, any, any> | StreamRoute<any, any, any>

export function defineRoute<Reply, Params = undefined, Query = undefined, Body = undefined>(
  route: Omit<Route<Params, Query, Body, Reply>, 'kind'>,
): AnyRoute {
  return { ...route, kind: 'reply' }
}

export function defineStream<Event, Params = undefined, Query = undefined>(
  route: Omit<StreamRoute<Params, Query, Event>, 'kind'>,
): AnyRoute {
  return { ...route, kind: 'stream' }
}

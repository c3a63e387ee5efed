/**
 * Authentication: the namespace on which a connection says who it is, users for applications that have no identity
 * provider, and how tokens are taken back.
 */
import { z } from 'zod'
import { idLengthMax } from './define/ids.ts'
import { command, defineNamespace, stream } from './define/namespace.ts'

const id = z.string().min(1).max(idLengthMax)
/** Longer than any token that is taken; what is wrong with one is said by whoever checks it. */
const token = z.string().max(10_000)

export const passwordLengthMin = 10
/** More takes no longer to hash, but somebody has to carry it. */
export const passwordLengthMax = 512

export const authNamespace = defineNamespace({
  name: '/auth',
  summary: 'Who a connection is: signing in after it was opened, renewing a token, and logging out.',
  events: {
    'auth:expiring': stream(z.object({ expiresAt: z.iso.datetime() }), {
      summary: 'The token ends soon: send `authenticate` with a new one, or the connection ends.',
      // To one session, by the engine.
      rooms: [],
      by: 'server',
    }),
  },
  commands: {
    authenticate: command({
      summary: 'Says who the connection is, or renews its token, without a reconnect.',
      input: z.object({ token }),
      output: z.object({
        userId: id,
        /** Absent: the token does not end by itself. */
        expiresAt: z.iso.datetime().optional(),
      }),
      maxBytes: 16 * 1_024,
      depthMax: 2,
    }),
    logout: command({
      summary: 'Takes the token or its login back, and ends every socket that came with it.',
      maxBytes: 256,
      depthMax: 2,
    }),
  },
})

export const loginRequest = z.object({
  user: z.string().min(1).max(idLengthMax),
  password: z.string().min(1).max(passwordLengthMax),
})

export const refreshRequest = z.object({ refreshToken: z.string().min(1).max(200) })

export const logoutRequest = z.object({ refreshToken: z.string().min(1).max(200).optional() }).default({})

/** What a client gets when it signs in, and each time it renews its token. */
export const loginReply = z.object({
  /** For `auth: { token }` of sockets, and `Authorization: Bearer` of REST. */
  accessToken: z.string(),
  expiresAt: z.iso.datetime(),
  /** Good for one refresh, which brings the next one. */
  refreshToken: z.string(),
  /** When the login ends, however often it was refreshed. */
  loginExpiresAt: z.iso.datetime(),
  user: z.object({ id: z.string(), name: z.string().nullable() }),
})

/** What an operator takes back: exactly one of the first four. */
export const revocationRequest = z
  .object({
    userId: id.optional(),
    loginId: id.optional(),
    tokenId: id.optional(),
    everyone: z.literal(true).optional(),
    /** Of a user or everyone: what was issued before this moment. Now, if absent. */
    issuedBefore: z.iso.datetime({ offset: true }).optional(),
  })
  .refine(
    ({ userId, loginId, tokenId, everyone }) =>
      [userId, loginId, tokenId, everyone].filter((given) => given !== undefined).length === 1,
    { message: 'Name one of userId, loginId, tokenId and everyone.' },
  )
  .refine(
    ({ loginId, tokenId, issuedBefore }) =>
      issuedBefore === undefined || (loginId === undefined && tokenId === undefined),
    { path: ['issuedBefore'], message: 'It goes with userId or everyone.' },
  )

export const revocationReply = z.object({
  /** Until when it is remembered; tokens that live longer are to be short of it. */
  keptUntil: z.iso.datetime(),
})

export type LoginRequest = z.infer<typeof loginRequest>
export type LoginReply = z.infer<typeof loginReply>
export type RevocationRequest = z.infer<typeof revocationRequest>

/** Access: how an operator signs in to the console, by a link that works once. */
import { z } from 'zod'

/** What the browser sends after it opened a sign-in link. */
export const signInRequest = z.object({ token: z.string().min(20).max(200) })

/** Who is signed in. */
export const sessionView = z.object({
  name: z.string(),
  roles: z.array(z.string()),
  /** ISO 8601. */
  expiresAt: z.iso.datetime(),
})

export type SignInRequest = z.infer<typeof signInRequest>
export type SessionView = z.infer<typeof sessionView>

/**
 * Who is signed in.
 *
 *   checking ──► signed-in ──► signed-out (left, ended)
 *      │  └────► signed-out (new)            │
 *      └───────► unknown (server silent)     │
 *   signing-in ◄── a link was opened ────────┘
 *      ├───────► signed-in
 *      └───────► refused (link used, expired, not ours)
 */
import type { SessionView, SignInRequest } from '@belfry/contract'
import { ApiError, type Failure, failureFrom, request } from './api.ts'
import { createStore } from './store.ts'
import { toast } from './toasts.ts'

export type SessionState =
  | { readonly state: 'checking' }
  | { readonly state: 'signing-in' }
  | { readonly state: 'signed-in'; readonly session: SessionView }
  /** `new`: never was; `left`: by choice; `ended`: it expired or was revoked while the console was open. */
  | { readonly state: 'signed-out'; readonly why: 'new' | 'left' | 'ended' }
  /** `retry` is there when the same link may still work: the server was silent, not unwilling. */
  | { readonly state: 'refused'; readonly failure: Failure; readonly retry?: () => void }
  | { readonly state: 'unknown'; readonly failure: Failure }

const path = '/api/v1/access/session'

export const session = createStore<SessionState>({ state: 'checking' })

/** Asks the server who we are. A session that is known stays known when the server is silent. */
export async function checkSession(): Promise<void> {
  const before = session.get()
  try {
    signedIn(await request<SessionView>(path))
  } catch (thrown) {
    if (isSignedOut(thrown)) {
      if (before.state === 'checking' || before.state === 'unknown')
        session.set({ state: 'signed-out', why: 'new' })
      else sessionEnded()
    } else if (before.state === 'checking' || before.state === 'unknown') {
      session.set({ state: 'unknown', failure: failureFrom(thrown) })
    }
  }
}

export async function signIn(token: string): Promise<void> {
  session.set({ state: 'signing-in' })
  try {
    signedIn(await request<SessionView>(path, { method: 'POST', body: { token } satisfies SignInRequest }))
  } catch (thrown) {
    const failure = failureFrom(thrown)
    if (await stillSignedIn()) return toast('That link could not be used, but you are signed in already.')
    session.set({
      state: 'refused',
      failure,
      ...(failure.retry ? { retry: () => void signIn(token) } : {}),
    })
  }
}

/** Throws when the server could not be told: then the session still exists. */
export async function signOut(): Promise<void> {
  try {
    await request(path, { method: 'DELETE' })
  } catch (thrown) {
    if (!isSignedOut(thrown)) throw thrown
  }
  clearTimeout(expiry)
  session.set({ state: 'signed-out', why: 'left' })
}

/** Called by whoever was answered with 401. */
export function sessionEnded(): void {
  clearTimeout(expiry)
  if (session.get().state === 'signed-in') session.set({ state: 'signed-out', why: 'ended' })
}

export function isSignedOut(thrown: unknown): boolean {
  return thrown instanceof ApiError && thrown.failure.code === 'unauthenticated'
}

/** A link that was opened twice, in a browser that is signed in, is no reason to be sent away. */
async function stillSignedIn(): Promise<boolean> {
  try {
    signedIn(await request<SessionView>(path))
    return true
  } catch {
    return false
  }
}

/** The longest a browser's timer can wait. */
const longestTimerMs = 2 ** 31 - 1

let expiry: ReturnType<typeof setTimeout> | undefined

function signedIn(view: SessionView): void {
  session.set({ state: 'signed-in', session: view })
  clearTimeout(expiry)
  const remaining = Date.parse(view.expiresAt) - Date.now()
  // The server decides; at the time it named we only ask. A browser's clock may be wrong, so never at once.
  expiry = setTimeout(() => void checkSession(), Math.min(Math.max(remaining + 1000, 60_000), longestTimerMs))
}

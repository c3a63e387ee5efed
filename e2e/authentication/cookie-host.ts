/** A program whose pages know people by a session cookie; docs/authentication.md shows it. */
import { loadSettings, startBelfry } from 'belfry'

export interface Session {
  readonly userId: string
  readonly endsAt: Date
}

export function startApplication(
  sessions: ReadonlyMap<string, Session>,
  environment: Record<string, string>,
) {
  return startBelfry({
    loaded: loadSettings(environment),
    authenticate: async ({ cookies }) => {
      const session = sessions.get(cookies['sid'] ?? '')
      if (session === undefined) return undefined
      return { sub: session.userId, exp: session.endsAt.getTime() / 1_000 }
    },
  })
}

/**
 * Goodbyes: why the server ends a session or its connection. A refusal (errors.ts) answers a request, or keeps a client
 * outside by CONNECT_ERROR; a goodbye comes after somebody was in, and its row says whether to come back (R10).
 *
 * `retry: false`: the event `session:closing` and then DISCONNECT; a stock client stays away until its application
 * connects again. `retry: true`: the transport is closed, and a stock client comes back by itself; `session:closing`
 * arrives before only if the transport still takes it.
 */
export interface GoodbyeRow {
  /** Whether the client should come back as it is, without anybody changing anything. */
  readonly retry: boolean
  /** The sentence a person reads. A goodbye may carry a more exact one. */
  readonly sentence: string
}

export const goodbyes = {
  token_expired: { retry: false, sentence: 'The token has expired. Connect again with a new one.' },
  token_revoked: { retry: false, sentence: 'The token was revoked. Sign in again.' },
  unauthenticated: { retry: false, sentence: 'Nobody said in time who this is.' },
  forbidden: { retry: false, sentence: 'You may not be on this namespace.' },
  unknown_namespace: { retry: false, sentence: 'There is no namespace of this name.' },
  kicked: { retry: false, sentence: 'Somebody in charge ended this session.' },
  replaced: { retry: false, sentence: 'A newer connection took this session over.' },
  rate_limited: { retry: false, sentence: 'Too many commands for too long. Wait before you connect again.' },
  protocol_violation: { retry: false, sentence: 'What the client sent is not the protocol.' },
  slow_reader: { retry: true, sentence: 'The client read more slowly than events are kept for it.' },
  overloaded: { retry: true, sentence: 'The server has no room for this connection at the moment.' },
  unavailable: { retry: true, sentence: 'Something the server needs cannot be reached at the moment.' },
  shutting_down: { retry: true, sentence: 'This server is stopping.' },
} as const satisfies Record<string, GoodbyeRow>

export type GoodbyeCode = keyof typeof goodbyes

/** What to do about a refusal, in the operator's words. One sentence for every code there is. */
import type { FailureCode } from './api.ts'

export const remedies: Record<FailureCode, string> = {
  bad_request:
    'Compare the request with the API reference: its body must be valid JSON and its path complete.',
  validation_failed: 'Correct the fields named in the answer and send the request again.',
  unauthenticated: 'Run "belfry link" on the server and open the link it prints.',
  sign_in_link_invalid: 'Each link works once, and only for a while.',
  forbidden: 'Sign in as somebody with the role this needs, or ask an administrator for it.',
  origin_refused: 'Open the console under the address the server knows as its own, or correct that setting.',
  not_found: 'Check the address. What it named may have been removed.',
  payload_too_large: 'Send less at once, or raise the limit in the settings.',
  unsupported_media_type: 'Send the body as JSON with the header "content-type: application/json".',
  too_many_requests: 'Wait for the time the answer names, then try again.',
  internal: 'Look up the request id in the server log. Trying again may help.',
  database_unavailable: 'See whether PostgreSQL is running and reachable. Belfry reconnects by itself.',
  shutting_down: 'Wait until the server has started again.',
  unreachable: 'See whether the server is running and whether this computer has a network.',
  unreadable: 'See whether a proxy stands between you and Belfry, and what it reports.',
}

/** What to do about a refusal, in the operator's words. One sentence for every code there is. */
import type { FailureCode } from './api.ts'

export const remedies: Record<FailureCode, string> = {
  bad_request:
    'Compare the request with the API reference: its body must be valid JSON and its path complete.',
  validation_failed: 'Correct the fields named in the answer and send the request again.',
  unauthenticated: 'Run "belfry link" on the server and open the link it prints.',
  sign_in_link_invalid: 'Each link works once, and only for a while.',
  token_missing: 'Give the client the token that your application made for its user.',
  token_invalid: 'Compare how the token is made with the identity settings of this server.',
  token_expired: 'Get a new token. If it was new, compare the clocks of both machines.',
  forbidden: 'Sign in as somebody with the role this needs, or ask an administrator for it.',
  origin_refused: 'Open the console under the address the server knows as its own, or correct that setting.',
  not_publishable:
    'Do what the event tells of: a notification, for one, is sent on the page "Notifications".',
  cooling_down: 'Send fewer commands, and connect again when the time is over.',
  not_found: 'Check the address. What it named may have been removed.',
  unknown_namespace: 'Compare the name with the namespaces that this server serves.',
  unknown_command: 'Compare the name with the commands of the namespace.',
  unknown_event: 'Choose an event that the contract of the namespace names.',
  unknown_room: 'Name a room by a kind that a namespace has, and an id.',
  timeout: 'Ask again, or go on without an answer.',
  key_reused: 'Make a new key for each request; repeat one only with the same request.',
  disconnected: 'Wait until the client is back; it has a new session then.',
  payload_too_large: 'Send less at once, or raise the limit in the settings.',
  unsupported_media_type: 'Send the body as JSON with the header "content-type: application/json".',
  too_many_requests: 'Wait for the time the answer names, then try again.',
  too_many_connections: 'Close a tab or a device, or raise the limit in the settings.',
  too_many_rooms: 'Leave rooms that nobody looks at.',
  internal: 'Look up the request id in the server log. Trying again may help.',
  database_unavailable: 'See whether PostgreSQL is running and reachable. Belfry reconnects by itself.',
  server_full: 'Raise MAX_SOCKET_CONNECTIONS, or add a server.',
  overloaded: 'Try again in a few seconds. Where it does not pass, add a server.',
  shutting_down: 'Wait until the server has started again.',
  unreachable: 'See whether the server is running and whether this computer has a network.',
  unreadable: 'See whether a proxy stands between you and Belfry, and what it reports.',
}

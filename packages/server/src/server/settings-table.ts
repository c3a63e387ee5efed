/** Every setting of Belfry: its environment variable, what it may be, its default and its meaning. */
import { defaultDataDirectory } from './data-directory.ts'
import {
  boolean,
  choice,
  directory,
  type Kind,
  listOf,
  origin,
  originOrAny,
  publicKeys,
  schemaName,
  secretText,
  secureUrl,
  signingSecret,
  socketPath,
  text,
  trustProxy,
  url,
  wholeNumber,
} from './setting-kinds.ts'

export interface Setting<Value> {
  readonly variable: string
  readonly kind: Kind<Value>
  /** `undefined`: unset unless somebody sets it. */
  readonly fallback: Value
  readonly section: Section
  readonly description: string
  /** Never shown. */
  readonly secret: boolean
}

export const sections = {
  server: 'Server',
  data: 'Data',
  identity: 'Identity',
  sockets: 'Sockets',
  notifications: 'Notifications',
  activity: 'Activity',
  presence: 'Presence',
  metrics: 'Metrics',
  delivery: 'E-mail and push',
  redis: 'Redis',
} as const
export type Section = keyof typeof sections

const day = 86_400_000

// biome-ignore format: a table, a setting on each line
export const table = {
  host: setting('server', 'HOST', text, '127.0.0.1', 'Address to listen on; 0.0.0.0 for every network this machine is in.'),
  port: setting('server', 'PORT', wholeNumber(0, 65_535), 3000, 'Port of web, REST and sockets; 0 takes a free one.'),
  environment: setting('server', 'NODE_ENV', choice('development', 'production', 'test'), 'development', 'What this server is run for.'),
  trustProxy: setting('server', 'TRUST_PROXY', trustProxy, false, 'Whose X-Forwarded-* headers are believed: true, false, a number of proxies, or a list of addresses.'),
  frontendUrl: setting('server', 'FRONTEND_URL', optional(url('http', 'https')), undefined, 'Where people reach Belfry from outside, used in links; without it, the address it listens on.'),
  corsOrigin: setting('server', 'CORS_ORIGIN', optional(listOf(origin)), undefined, 'Further origins that may call REST from a browser, with commas between; without it, that of FRONTEND_URL.'),
  bodyLimitBytes: setting('server', 'BODY_LIMIT_BYTES', wholeNumber(1_024, 104_857_600), 1_048_576, 'Largest request body that REST accepts.'),
  rateLimitWindowMs: setting('server', 'RATE_LIMIT_WINDOW_MS', wholeNumber(1_000, day), 900_000, 'Window of the REST rate limit, in milliseconds.'),
  rateLimitMaxRequests: setting('server', 'RATE_LIMIT_MAX_REQUESTS', wholeNumber(1, 1_000_000), 100, 'REST requests of one user, or of one address that is not signed in, in a window; operators have ten times as many.'),
  logLevel: setting('server', 'LOG_LEVEL', choice('debug', 'info', 'warn', 'error', 'silent'), 'info', 'The least important messages that are logged.'),
  logFormat: setting('server', 'LOG_FORMAT', choice('auto', 'json', 'pretty'), 'auto', 'json for machines, pretty for people, auto: pretty in a terminal.'),
  drainSeconds: setting('server', 'DRAIN_SECONDS', wholeNumber(0, 600), 3, 'How long a stopping server may take to let its clients go and to finish what it does, in seconds; 0 cuts everything at once.'),
  restartSeconds: setting('server', 'RESTART_SECONDS', wholeNumber(0, 600), 3, 'How long this server is away when it restarts, in seconds: clients that it lets go are told when to come back. 0, where other servers take them at once.'),

  dataDirectory: setting('data', 'BELFRY_DATA_DIR', directory, defaultDataDirectory(), 'Where Belfry keeps its database and its generated secrets.'),
  databaseUrl: setting('data', 'DATABASE_URL', optional(url('postgres', 'postgresql')), undefined, 'A PostgreSQL of yours, 14 or later; without it, Belfry runs its own in the data directory.', 'secret'),
  databaseSchema: setting('data', 'DATABASE_SCHEMA', schemaName, 'belfry', 'Schema in the database that holds the tables of Belfry.'),
  databasePoolMax: setting('data', 'DATABASE_POOL_MAX', wholeNumber(2, 200), 10, 'Connections to the database, at most.'),

  jwtSecret: setting('identity', 'JWT_SECRET', optional(signingSecret), undefined, 'Secret that signs and checks HS256 tokens, 32 characters or more; without it, one is generated into the data directory.', 'secret'),
  jwtSecretPrevious: setting('identity', 'JWT_SECRET_PREVIOUS', optional(signingSecret), undefined, 'The JWT_SECRET before this one: tokens that it signed are taken as well, until the last of them has expired.', 'secret'),
  jwtPublicKey: setting('identity', 'JWT_PUBLIC_KEY', optional(publicKeys), undefined, 'Public keys that check the tokens of your identity provider (RS256, PS256, ES256, EdDSA and their like), as PEM, one after the other.'),
  jwtJwksUrl: setting('identity', 'JWT_JWKS_URL', optional(secureUrl), undefined, 'Where your identity provider publishes its keys (a JSON Web Key Set); they are fetched, and new ones need no restart.'),
  jwtAudience: setting('identity', 'JWT_AUDIENCE', optional(text), undefined, 'Audience (claim aud) that a token must name; without it, every audience is taken.'),
  jwtIssuer: setting('identity', 'JWT_ISSUER', optional(text), undefined, 'Issuer (claim iss) that a token must come from; without it, every issuer is taken.'),
  jwtExpiresInSeconds: setting('identity', 'JWT_EXPIRES_IN', wholeNumber(60, 31_536_000), 3_600, 'Life of tokens that Belfry issues, in seconds.'),
  refreshExpiresInSeconds: setting('identity', 'REFRESH_EXPIRES_IN', wholeNumber(60, 31_536_000), 2_592_000, 'Life of a login with user and password, however often its tokens are renewed, in seconds.'),
  revocationDays: setting('identity', 'REVOCATION_DAYS', wholeNumber(1, 3_660), 366, 'Days that a revocation is kept where nobody knows when the tokens expire that it concerns; no token may live longer.'),
  cookieName: setting('identity', 'COOKIE_NAME', text, 'belfry_session', 'Name of your application’s session cookie, if sockets are to accept it.'),
  sessionSecret: setting('identity', 'SESSION_SECRET', optional(secretText(32)), undefined, 'Secret of your application’s session cookies, if sockets are to accept them.', 'secret'),

  socketPort: setting('sockets', 'SOCKET_PORT', optional(wholeNumber(0, 65_535)), undefined, 'A port of their own for sockets; without it, they share PORT.'),
  socketPath: setting('sockets', 'SOCKET_PATH', socketPath, '/socket.io/', 'Path below which sockets are served; clients give it as their option path.'),
  socketCorsOrigin: setting('sockets', 'SOCKET_CORS_ORIGIN', optional(listOf(originOrAny)), undefined, 'Origins that may open sockets from a browser; without it, those of CORS_ORIGIN.'),
  socketCorsCredentials: setting('sockets', 'SOCKET_CORS_CREDENTIALS', boolean, true, 'Whether sockets from other origins may carry cookies.'),
  maxSocketConnections: setting('sockets', 'MAX_SOCKET_CONNECTIONS', wholeNumber(1, 10_000_000), 20_000, 'Connections of this process, at most.'),
  socketMaxPerUser: setting('sockets', 'SOCKET_MAX_PER_USER', wholeNumber(1, 1_000_000), 100, 'Connections of one user, at most; a client has one, whatever number of namespaces it uses.'),
  socketMaxPerWorkspace: setting('sockets', 'SOCKET_MAX_PER_WORKSPACE', optional(wholeNumber(1, 10_000_000)), undefined, 'Connections of one workspace, at most, so that it leaves room for others; without it, no bound of its own.'),
  socketMaxPerAddress: setting('sockets', 'SOCKET_MAX_PER_ADDRESS', optional(wholeNumber(1, 10_000_000)), undefined, 'Connections of one address, at most; without it, no bound of its own. A whole office may share one address.'),
  socketReconnectionDelayMs: setting('sockets', 'SOCKET_RECONNECTION_DELAY', wholeNumber(1, 3_600_000), 1_000, 'First wait of a client before it reconnects, in milliseconds; told to clients.'),
  socketReconnectionMaxDelayMs: setting('sockets', 'SOCKET_RECONNECTION_MAX_DELAY', wholeNumber(1, 3_600_000), 5_000, 'Longest wait of a client before it reconnects, in milliseconds; told to clients.'),
  socketEventRatePerSecond: setting('sockets', 'SOCKET_EVENT_RATE_PER_SEC', wholeNumber(1, 100_000), 20, 'Commands of one user over all sockets, a second.'),
  socketAbuseThreshold: setting('sockets', 'SOCKET_ABUSE_THRESHOLD', wholeNumber(1, 100_000), 5, 'Refused seconds in a row after which the sockets of a user are closed.'),
  socketCoolDownSeconds: setting('sockets', 'SOCKET_COOL_DOWN_SECONDS', wholeNumber(1, 86_400), 60, 'How long a user whose sockets were closed for too many commands has to stay away, in seconds.'),
  socketExpiryGraceSeconds: setting('sockets', 'SOCKET_EXPIRY_GRACE_SECONDS', wholeNumber(0, 3_600), 25, 'How long sockets live on when their token has ended, for clients that renew it late, in seconds.'),
  socketMaxPayloadBytes: setting('sockets', 'SOCKET_MAX_PAYLOAD_BYTES', wholeNumber(1_024, 104_857_600), 1_000_000, 'Largest message that a client may send.'),
  socketPingIntervalMs: setting('sockets', 'SOCKET_PING_INTERVAL', wholeNumber(100, 3_600_000), 25_000, 'Time between two pings, in milliseconds.'),
  socketPingTimeoutMs: setting('sockets', 'SOCKET_PING_TIMEOUT', wholeNumber(100, 3_600_000), 20_000, 'How long a client may take to answer a ping, in milliseconds.'),
  socketCompression: setting('sockets', 'SOCKET_COMPRESSION', boolean, false, 'Whether large WebSocket messages are compressed.'),
  socketParser: setting('sockets', 'SOCKET_PARSER', choice('default', 'msgpack'), 'default', 'How packets are encoded; clients must use the same.'),

  notificationRetentionDays: setting('notifications', 'NOTIFICATION_RETENTION_DAYS', wholeNumber(1, 36_500), 30, 'Days that notifications are kept.'),
  notificationRateLimit: setting('notifications', 'NOTIFICATION_RATE_LIMIT', wholeNumber(1, 1_000_000), 50, 'Notifications pushed to one user in an hour, at most.'),
  notificationBatchSize: setting('notifications', 'NOTIFICATION_BATCH_SIZE', wholeNumber(1, 10_000), 100, 'Notifications written together, at most.'),
  notificationBatchTimeoutMs: setting('notifications', 'NOTIFICATION_BATCH_TIMEOUT', wholeNumber(1, 3_600_000), 5_000, 'How long a batch waits to fill, in milliseconds.'),

  activityRetentionDays: setting('activity', 'ACTIVITY_RETENTION_DAYS', wholeNumber(1, 36_500), 90, 'Days that activity is kept.'),
  activityCleanupIntervalMs: setting('activity', 'ACTIVITY_INDEX_CLEANUP_INTERVAL', wholeNumber(1_000, 30 * day), day, 'Time between two removals of old activity, in milliseconds.'),
  activityBatchLog: setting('activity', 'ACTIVITY_BATCH_LOG', boolean, true, 'Whether activity is written in batches.'),

  presenceTimeoutMs: setting('presence', 'PRESENCE_TIMEOUT', wholeNumber(1_000, day), 300_000, 'Time without activity after which a user is offline, in milliseconds.'),
  presenceAwayTimeoutMs: setting('presence', 'PRESENCE_AWAY_TIMEOUT', wholeNumber(1_000, day), 60_000, 'Time without activity after which a user is away, in milliseconds.'),
  presenceCleanupIntervalMs: setting('presence', 'PRESENCE_CLEANUP_INTERVAL', wholeNumber(1_000, day), 300_000, 'Time between two removals of stale presence, in milliseconds.'),

  metricsToken: setting('metrics', 'METRICS_TOKEN', optional(secretText(16)), undefined, 'Bearer token that /metrics asks for; without it, /metrics is open to whoever reaches the port.', 'secret'),
  metricsIntervalMs: setting('metrics', 'METRICS_INTERVAL_MS', wholeNumber(100, 3_600_000), 1_000, 'Time between two samples of live metrics, in milliseconds.'),
  metricsRetentionDays: setting('metrics', 'METRICS_RETENTION_DAYS', wholeNumber(1, 36_500), 30, 'Days that metrics are kept.'),

  smtpUrl: setting('delivery', 'SMTP_URL', optional(url('smtp', 'smtps')), undefined, 'Mail server for notifications by e-mail.', 'secret'),
  mailFrom: setting('delivery', 'MAIL_FROM', optional(text), undefined, 'Sender of e-mail.'),
  vapidPublicKey: setting('delivery', 'VAPID_PUBLIC_KEY', optional(text), undefined, 'Public key for Web Push.'),
  vapidPrivateKey: setting('delivery', 'VAPID_PRIVATE_KEY', optional(secretText(16)), undefined, 'Private key for Web Push.', 'secret'),

  redisUrl: setting('redis', 'REDIS_URL', optional(url('redis', 'rediss')), undefined, 'Redis 7 or Valkey, for several nodes.', 'secret'),
  redisHost: setting('redis', 'REDIS_HOST', optional(text), undefined, 'Host of Redis, instead of REDIS_URL.'),
  redisPort: setting('redis', 'REDIS_PORT', wholeNumber(1, 65_535), 6_379, 'Port of Redis.'),
  redisPassword: setting('redis', 'REDIS_PASSWORD', optional(secretText(1)), undefined, 'Password of Redis.', 'secret'),
  redisEnabled: setting('redis', 'REDIS_ENABLED', optional(boolean), undefined, 'Switches Redis on or off, whatever else is set.'),
  redisClusterNodes: setting('redis', 'REDIS_CLUSTER_NODES', optional(listOf(text)), undefined, 'Nodes of a Redis Cluster as host:port, with commas between.'),
}

function setting<Value>(
  section: Section,
  variable: string,
  kind: Kind<Value>,
  fallback: Value,
  description: string,
  secrecy?: 'secret',
): Setting<Value> {
  return { section, variable, kind, fallback, description, secret: secrecy === 'secret' }
}

function optional<Value>(kind: Kind<Value>): Kind<Value | undefined> {
  return { ...kind, print: (value) => (value === undefined ? '' : kind.print(value)) }
}

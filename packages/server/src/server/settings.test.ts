import { generateKeyPairSync } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { StartRefusal } from '../engine/start-refusal.ts'
import { loadSettings, settingsReference } from './settings.ts'
import { sections, table } from './settings-table.ts'

/** What is said of settings that are refused. */
function mistakesOf(environment: Record<string, string | undefined>): string {
  try {
    loadSettings(environment)
  } catch (error) {
    if (!(error instanceof StartRefusal)) throw error
    expect(error.code).toBe('settings_invalid')
    return error.message
  }
  throw new Error('These settings were taken.')
}

const viewOf = (environment: Record<string, string>, name: string) =>
  loadSettings(environment).views.find((view) => view.name === name)

const entries = Object.entries(table)
const secretNames = entries.flatMap(([, { secret, variable }]) => (secret ? [variable] : []))

describe('settings', () => {
  it('all have a default, with which a server can start', () => {
    const { settings, views } = loadSettings({})
    expect(settings).toMatchObject({
      host: '127.0.0.1',
      port: 3000,
      databaseSchema: 'belfry',
      trustProxy: false,
    })
    expect(settings.databaseUrl).toBeUndefined()
    expect(views).toHaveLength(entries.length)
    for (const view of views) expect(view).toMatchObject({ source: 'default' })
  })

  it('come from the environment, and say so', () => {
    const given = { PORT: '0', TRUST_PROXY: '2', CORS_ORIGIN: 'https://a.example.com/,https://b.example.com' }
    expect(loadSettings(given).settings).toMatchObject({
      port: 0,
      trustProxy: 2,
      corsOrigin: ['https://a.example.com', 'https://b.example.com'],
    })
    expect(viewOf(given, 'PORT')).toMatchObject({ value: '0', source: 'environment', secret: false })
    expect(viewOf(given, 'HOST')).toMatchObject({ value: '127.0.0.1', source: 'default' })
    expect(viewOf({ PORT: '3000' }, 'PORT')?.source).toBe('environment')
  })

  it('that are empty are unset', () => {
    const empty = Object.fromEntries(entries.map(([, { variable }]) => [variable, '']))
    expect(loadSettings(empty)).toEqual(loadSettings({}))
    expect(loadSettings({ PORT: undefined })).toEqual(loadSettings({}))
    expect(mistakesOf({ HOST: ' ' })).toBe('HOST " " must not be blank.')
  })

  it('are named once, belong to a section, and have a default that they would take', () => {
    expect(new Set(entries.map(([, { variable }]) => variable)).size).toBe(entries.length)
    for (const [, { variable, section, kind, fallback, description }] of entries) {
      expect(variable).toMatch(/^[A-Z][A-Z0-9_]+$/)
      expect(sections, variable).toHaveProperty(section)
      expect(description, variable).toMatch(/\.$/)
      if (fallback === undefined) continue
      const printed = (kind.print as (value: unknown) => string)(fallback)
      expect(kind.parse(printed), variable).toEqual({ value: fallback })
    }
  })

  it('that hold secrets are known as such', () => {
    for (const [, { variable, secret }] of entries) {
      const looksSecret = /SECRET|PASSWORD|PRIVATE|TOKEN|(DATABASE|SMTP|REDIS)_URL/.test(variable)
      expect(secret, variable).toBe(looksSecret)
    }
  })
})

describe('mistakes', () => {
  it('are told all at once, each with the name and what would be right', () => {
    const said = mistakesOf({ PORT: 'many', LOG_LEVEL: 'loud', SOCKET_COMPRESSION: 'yes', REDIS_URL: 'x' })
    expect(said).toMatch(/^4 settings need a change:\n/)
    expect(said.split('\n').slice(1).toSorted()).toEqual([
      '  LOG_LEVEL "loud" must be one of debug, info, warn, error, silent.',
      '  PORT "many" must be a whole number from 0 to 65535.',
      '  REDIS_URL must be a URL that begins with redis:// or rediss://.',
      '  SOCKET_COMPRESSION "yes" must be true or false.',
    ])
  })

  it('that are alone are one sentence', () => {
    expect(mistakesOf({ PORT: '65536' })).toBe('PORT "65536" must be a whole number from 0 to 65535.')
  })

  it.each(secretNames)('in %s do not show it', (name) => {
    // Too short for a secret, no URL, and blank where that is wrong.
    for (const wrong of ['hunter2', 'hunter2://x']) {
      try {
        for (const { value } of loadSettings({ [name]: wrong }).views) expect(value).not.toContain('hunter2')
      } catch (error) {
        expect(String(error)).toContain(name)
        expect(String(error)).not.toContain('hunter2')
        if (error instanceof Error) expect(String(error.cause ?? '')).not.toContain('hunter2')
      }
    }
  })

  it('in public keys do not show what was given, which may be a private key', () => {
    const pair = generateKeyPairSync('ed25519')
    const text = pair.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
    expect(mistakesOf({ JWT_PUBLIC_KEY: text })).toBe(
      'JWT_PUBLIC_KEY holds a private key; give the public one, and keep the private one to yourself.',
    )
    const pem = pair.publicKey.export({ type: 'spki', format: 'pem' }).toString()
    expect(loadSettings({ JWT_PUBLIC_KEY: pem }).settings.jwtPublicKey).toBe(pem)
    expect(mistakesOf({ JWT_SECRET: pem })).toMatch(/^JWT_SECRET must not be a key in PEM; /)
  })

  it('in names of ours are told; other programs’ variables are not our business', () => {
    expect(mistakesOf({ BELFRY_DATADIR: '/x' })).toBe('BELFRY_DATADIR is no setting of Belfry.')
    expect(mistakesOf({ BELFRY_: '' })).toContain('BELFRY_ is no')
    expect(mistakesOf({ BELFRY_PORT: '1', PORT: 'x' })).toMatch(/^2 settings/)
    loadSettings({
      BELFRY_STARTED_BY: 'start',
      BELFRY_DATA_DIR: '/x',
      belfry_port: 'x',
      PATH: '/bin',
      PROT: 'x',
    })
  })
})

describe('contradictions', () => {
  it.each([
    [
      { SOCKET_RECONNECTION_DELAY: '2000', SOCKET_RECONNECTION_MAX_DELAY: '1999' },
      { SOCKET_RECONNECTION_DELAY: '2000', SOCKET_RECONNECTION_MAX_DELAY: '2000' },
      'SOCKET_RECONNECTION_MAX_DELAY must not be below SOCKET_RECONNECTION_DELAY',
    ],
    [
      { PRESENCE_TIMEOUT: '1000', PRESENCE_AWAY_TIMEOUT: '1001' },
      { PRESENCE_TIMEOUT: '1000', PRESENCE_AWAY_TIMEOUT: '1000' },
      'PRESENCE_TIMEOUT must not be below PRESENCE_AWAY_TIMEOUT',
    ],
    [{ PRESENCE_TIMEOUT: '59999' }, { PRESENCE_TIMEOUT: '60000' }, 'PRESENCE_AWAY_TIMEOUT'],
    [
      { SOCKET_CORS_ORIGIN: 'https://a.example.com,*' },
      { SOCKET_CORS_ORIGIN: 'https://a.example.com,*', SOCKET_CORS_CREDENTIALS: 'false' },
      'SOCKET_CORS_CREDENTIALS=false',
    ],
    [
      { VAPID_PUBLIC_KEY: 'public' },
      { VAPID_PUBLIC_KEY: 'public', VAPID_PRIVATE_KEY: 'private-private-private' },
      'belong together',
    ],
    [{ VAPID_PRIVATE_KEY: 'private-private-private' }, { VAPID_PRIVATE_KEY: '' }, 'belong together'],
  ] as [Record<string, string>, Record<string, string>, string][])('%j is one', (wrong, right, sentence) => {
    expect(mistakesOf(wrong)).toContain(sentence)
    expect(mistakesOf(wrong).split('\n')).toHaveLength(1)
    loadSettings(right)
  })

  it('are looked for only among settings that are right by themselves', () => {
    const said = mistakesOf({ PRESENCE_TIMEOUT: '1000', PRESENCE_AWAY_TIMEOUT: 'soon' })
    expect(said).toContain('PRESENCE_AWAY_TIMEOUT "soon"')
    expect(said).not.toContain('must not be below')
  })
})

describe('the reference', () => {
  it('has each setting once, and no cell that breaks the table', () => {
    const rows = settingsReference()
      .split('\n')
      .filter((line) => line.startsWith('| `'))
    expect(rows.map((row) => /`(\w+)`/.exec(row)?.[1]).toSorted()).toEqual(
      entries.map(([, { variable }]) => variable).toSorted(),
    )
    for (const row of rows) expect(row.match(/(?<!\\)\|/g), row).toHaveLength(4)
  })
})

describe('a thousand environments at random', () => {
  const pieces = [
    ...[
      '0',
      '1',
      '-1',
      '65535',
      '65536',
      '1e9',
      '99999999999999999999',
      'NaN',
      'Infinity',
      'true',
      'FALSE',
      'null',
    ],
    ...[
      '',
      ' ',
      '\t',
      '\0',
      '\n',
      ',',
      ',,',
      '*',
      '/',
      '//',
      '@',
      '@/',
      ':',
      '%',
      '%zz',
      '"',
      '\\',
      '🔔',
      '\ud800',
    ],
    ...[
      'http://',
      'https://a.example.com',
      'postgres://',
      'redis://u:p@h',
      'smtp://x',
      'loopback',
      '10.0.0.0/8',
    ],
    ...[
      'constructor',
      '__proto__',
      'toString',
      'development',
      'json',
      'auto',
      'debug',
      'x'.repeat(64),
      '::1',
      '[',
      ']',
    ],
  ]
  const names = [
    ...entries.map(([, { variable }]) => variable),
    ...['BELFRY_X', '__proto__', 'constructor', 'PATH', 'BELFRY_STARTED_BY'],
  ]
  const marker = 'hunter2'

  it.each([1, 2, 3, 4, 5])(
    'are taken whole or refused in words, and no secret comes out (seed %i)',
    (seed) => {
      const random = randomOf(seed)
      const pick = <Item>(from: readonly Item[]) => from[Math.floor(random() * from.length)] as Item
      let taken = 0
      for (let round = 0; round < 1_000; round++) {
        const environment: Record<string, string> = Object.create(null)
        for (let count = Math.floor(random() * 3); count >= 0; count--) {
          const name = pick(names)
          const value = Array.from({ length: 1 + Math.floor(random() * 2) }, () => pick(pieces)).join('')
          environment[name] = secretNames.includes(name) ? `${value}${marker}` : value
        }
        const shown = JSON.stringify(environment)
        try {
          const { settings, views } = loadSettings(environment)
          taken += 1
          expect(JSON.stringify(views), shown).not.toContain(marker)
          for (const [name, { fallback }] of entries) {
            const value = settings[name as keyof typeof settings]
            if (fallback === undefined || name === 'trustProxy') continue
            expect(typeof value, `${name} of ${shown}`).toBe(typeof fallback)
            if (typeof value === 'number') expect(Number.isSafeInteger(value), shown).toBe(true)
          }
          for (const view of views) expect(typeof view.value, shown).toBe('string')
        } catch (error) {
          if (!(error instanceof StartRefusal))
            throw new Error(`${shown}: ${String(error)}`, { cause: error })
          expect(error.code, shown).toBe('settings_invalid')
          expect(error.message, shown).not.toContain(marker)
        }
      }
      expect(taken).toBeGreaterThan(50)
      expect(taken).toBeLessThan(950)
    },
  )
})

/** The same numbers for the same seed (mulberry32). */
function randomOf(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

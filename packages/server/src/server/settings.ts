/**
 * Reads and checks the settings: all of them at start, and all mistakes are told at once. docs/configuration.md is
 * made from the same table.
 */
import type { SettingView } from '@belfry/contract'
import { StartRefusal } from '../engine/start-refusal.ts'
import type { Kind } from './setting-kinds.ts'
import { type Setting, sections, table } from './settings-table.ts'

type Table = typeof table
export type Settings = {
  readonly [Name in keyof Table]: Table[Name] extends Setting<infer Value> ? Value : never
}

export interface LoadedSettings {
  readonly settings: Settings
  /** What is in force and where it comes from; secrets are masked. */
  readonly views: readonly SettingView[]
}

type Environment = Readonly<Record<string, string | undefined>>

export function loadSettings(environment: Environment): LoadedSettings {
  const mistakes: string[] = unknownVariables(environment)
  const settings: Record<string, unknown> = {}
  const views: SettingView[] = []
  for (const [name, { variable, kind, fallback, description, secret }] of settingsTable()) {
    const given = environment[variable]
    // An empty variable is an unset one: that is how shells and compose files switch a setting off.
    const isGiven = given !== undefined && given !== ''
    const parsed = isGiven ? kind.parse(given) : { value: fallback }
    if ('mistake' in parsed) {
      const shown = secret || kind.isQuiet ? '' : ` "${given}"`
      mistakes.push(`${variable}${shown} ${parsed.mistake}`)
      continue
    }
    settings[name] = parsed.value
    views.push({
      name: variable,
      value: printValue(parsed.value, kind, secret),
      source: isGiven ? 'environment' : 'default',
      secret,
      description,
    })
  }
  if (mistakes.length === 0) mistakes.push(...contradictions(settings as Settings))
  if (mistakes.length > 0) throw settingsInvalid(mistakes)
  return { settings: settings as Settings, views }
}

/** The reference of all settings, as Markdown. */
export function settingsReference(): string {
  const lines = Object.entries(sections).flatMap(([section, title]) => [
    `## ${title}`,
    '',
    '| Variable | Default | Meaning |',
    '|---|---|---|',
    ...settingsTable()
      .filter(([, entry]) => entry.section === section)
      .map(
        ([, entry]) =>
          `| \`${entry.variable}\` | ${printDefault(entry)} | ${entry.description} ${entry.kind.hint} |`,
      ),
    '',
  ])
  return lines.join('\n')
}

function settingsTable(): [string, Setting<unknown>][] {
  return Object.entries(table) as [string, Setting<unknown>][]
}

function printValue(value: unknown, kind: Kind<unknown>, secret: boolean): string {
  if (value === undefined) return ''
  return secret ? '••••••••' : kind.print(value)
}

function printDefault({ variable, fallback, kind }: Setting<unknown>): string {
  if (variable === 'BELFRY_DATA_DIR') return 'per user'
  return fallback === undefined ? '' : `\`${kind.print(fallback)}\``
}

/** Settings that are right by themselves, but not together. */
function contradictions(settings: Settings): string[] {
  const found: string[] = []
  if (settings.socketReconnectionMaxDelayMs < settings.socketReconnectionDelayMs) {
    found.push('SOCKET_RECONNECTION_MAX_DELAY must not be below SOCKET_RECONNECTION_DELAY')
  }
  if (settings.presenceTimeoutMs < settings.presenceAwayTimeoutMs) {
    found.push('PRESENCE_TIMEOUT must not be below PRESENCE_AWAY_TIMEOUT')
  }
  const anyOrigin = settings.socketCorsOrigin?.includes('*') ?? false
  if (anyOrigin && settings.socketCorsCredentials) {
    found.push(
      'SOCKET_CORS_ORIGIN "*" would let every site act for your users: name the origins, or set SOCKET_CORS_CREDENTIALS=false',
    )
  }
  if ((settings.vapidPublicKey === undefined) !== (settings.vapidPrivateKey === undefined)) {
    found.push('VAPID_PUBLIC_KEY and VAPID_PRIVATE_KEY belong together: set both or none')
  }
  return found
}

/** A misspelt name of ours would silently do nothing. */
function unknownVariables(environment: Environment): string[] {
  const known = new Set(settingsTable().map(([, entry]) => entry.variable))
  return Object.keys(environment)
    .filter((name) => name.startsWith('BELFRY_') && !known.has(name) && !ownSwitches.has(name))
    .map((name) => `${name} is no setting of Belfry`)
}

/** Variables that our own scripts and tests hand to their children. */
const ownSwitches = new Set(['BELFRY_STARTED_BY'])

function settingsInvalid(mistakes: readonly string[]): StartRefusal {
  const [first, ...others] = mistakes
  if (others.length === 0) return new StartRefusal('settings_invalid', `${first}.`)
  return new StartRefusal(
    'settings_invalid',
    `${mistakes.length} settings need a change:\n${mistakes.map((mistake) => `  ${mistake}.`).join('\n')}`,
  )
}

/** Numbers, sizes and times as people read them. One language and 24-hour times, as in the server's log. */

const language = 'en-GB'
const compact = new Intl.NumberFormat(language, { notation: 'compact', maximumSignificantDigits: 3 })
const binaryUnits = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB', 'EiB']

export interface Quantity {
  readonly figure: string
  readonly unit: string
}

/** Three significant digits, in the unit that keeps the figure below 1024. */
export function size(bytes: number): Quantity {
  let value = bytes
  let step = 0
  while (Math.abs(value) >= 1023.5 && step < binaryUnits.length - 1) {
    value /= 1024
    step += 1
  }
  return { figure: number(value, step === 0 || value >= 99.95 ? 0 : 1), unit: binaryUnits[step] ?? 'B' }
}

export function sizeText(bytes: number): string {
  const { figure, unit } = size(bytes)
  return `${figure} ${unit}`
}

/** Milliseconds, as exactly as is useful: 0.42, 3.1, 128; seconds from ten of them on. */
export function milliseconds(value: number): Quantity {
  if (value >= 9_999.5) return { figure: number(value / 1000, value < 99_950 ? 1 : 0), unit: 's' }
  return { figure: number(value, value < 1 ? 2 : value < 99.95 ? 1 : 0), unit: 'ms' }
}

export function millisecondsText(value: number): string {
  const { figure, unit } = milliseconds(value)
  return `${figure} ${unit}`
}

/** Of a ping: nobody measures parts of a millisecond over a network. */
export function roundTripText(ms: number): string {
  return ms < 1 ? '< 1 ms' : ms < 9_999.5 ? `${number(ms)} ms` : millisecondsText(ms)
}

/** Exact as long as one can read it at a glance, then 123K, 1.2M. */
export function count(value: number, digits = 0): string {
  return Math.abs(value) < 99_999.5 ? number(value, digits) : compact.format(value)
}

/** A share of one core: 0.034 is 3.4 %. */
export function percent(share: number): Quantity {
  const value = share * 100
  return { figure: number(value, value < 9.95 ? 1 : 0), unit: '%' }
}

export function percentText(share: number): string {
  return `${percent(share).figure} %`
}

export function number(value: number, digits = 0): string {
  return value.toLocaleString(language, { minimumFractionDigits: digits, maximumFractionDigits: digits })
}

/** `14:02:11` */
export function clockTime(at: number | string): string {
  return new Date(at).toLocaleTimeString(language, { hour12: false })
}

/** `20 Nov 2026, 14:02:11` */
export function dateTime(at: number | string): string {
  return new Date(at).toLocaleString(language, { dateStyle: 'medium', timeStyle: 'medium', hour12: false })
}

/** `14:02:11` today, `20 Nov, 14:02` on another day, and the year where it is another. */
export function shortTime(at: number | string, now = Date.now()): string {
  const [then, today] = [new Date(at), new Date(now)]
  if (then.toDateString() === today.toDateString()) return clockTime(at)
  const year = then.getFullYear() === today.getFullYear() ? {} : ({ year: 'numeric' } as const)
  const parts = { day: 'numeric', month: 'short', hour: '2-digit', minute: '2-digit', hour12: false } as const
  return then.toLocaleString(language, { ...parts, ...year })
}

/** `3 d 04 h 12 min 09 s`; two-digit parts after the first, so that a ticking duration does not jump about. */
export function duration(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000))
  const parts: readonly (readonly [number, string])[] = [
    [Math.floor(seconds / 86_400), 'd'],
    [Math.floor(seconds / 3600) % 24, 'h'],
    [Math.floor(seconds / 60) % 60, 'min'],
    [seconds % 60, 's'],
  ]
  const first = parts.findIndex(([value]) => value > 0)
  return parts
    .slice(first === -1 ? parts.length - 1 : first)
    .map(([value, unit], index) => `${index === 0 ? value : String(value).padStart(2, '0')} ${unit}`)
    .join(' ')
}

const relative = new Intl.RelativeTimeFormat(language, { numeric: 'auto' })

/** `3 hours ago`, `yesterday` */
export function ago(at: number | string, now: number): string {
  const seconds = (new Date(at).getTime() - now) / 1000
  const steps: readonly (readonly [number, number, Intl.RelativeTimeFormatUnit])[] = [
    [60, 1, 'second'],
    [3600, 60, 'minute'],
    [86_400, 3600, 'hour'],
    [86_400 * 30, 86_400, 'day'],
    [86_400 * 365, 86_400 * 30, 'month'],
  ]
  const step = steps.find(([limit]) => Math.abs(seconds) < limit)
  return step === undefined
    ? relative.format(Math.trunc(seconds / (86_400 * 365)), 'year')
    : relative.format(Math.trunc(seconds / step[1]), step[2])
}

export function plural(count: number, one: string, many = `${one}s`): string {
  return `${number(count)} ${count === 1 ? one : many}`
}

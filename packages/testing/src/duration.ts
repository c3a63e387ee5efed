/** A while: milliseconds, or a number with its unit, such as `'5m'`. */
export type Duration = number | `${number}${Unit}`

const unitsMs = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const
type Unit = keyof typeof unitsMs

export function milliseconds(duration: Duration): number {
  const [, number, unit] = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/.exec(String(duration)) ?? []
  const ms = typeof duration === 'number' ? duration : Number(number) * unitsMs[unit as Unit]
  if (Number.isFinite(ms) && ms >= 0) return Math.round(ms)
  throw new TypeError(
    `"${duration}" is no duration: give milliseconds, or a text such as '30s', '5m' or '1h'.`,
  )
}

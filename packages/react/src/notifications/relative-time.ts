/** How long ago something was, in the words of a language. */

const minuteMs = 60_000
const hourMs = 60 * minuteMs
const dayMs = 24 * hourMs
/** What is older is told by its date. */
const relativeUntilMs = 7 * dayMs

export function relativeTime(
  at: number,
  now: number,
  { locale, justNow }: { readonly locale: string | undefined; readonly justNow: string },
): string {
  // Below zero where the clock of the server is ahead of this one.
  const age = now - at
  if (age < minuteMs) return justNow
  if (age >= relativeUntilMs) return shortDate(at, now, locale)
  const [unit, unitMs] =
    age < hourMs
      ? (['minute', minuteMs] as const)
      : age < dayMs
        ? (['hour', hourMs] as const)
        : (['day', dayMs] as const)
  return new Intl.RelativeTimeFormat(locale, { style: 'short' }).format(-Math.floor(age / unitMs), unit)
}

export function exactTime(at: number, locale: string | undefined): string {
  return new Intl.DateTimeFormat(locale, { dateStyle: 'long', timeStyle: 'short' }).format(at)
}

function shortDate(at: number, now: number, locale: string | undefined): string {
  const isThisYear = new Date(at).getFullYear() === new Date(now).getFullYear()
  return new Intl.DateTimeFormat(locale, {
    day: 'numeric',
    month: 'short',
    ...(isThisYear ? {} : { year: 'numeric' }),
  }).format(at)
}

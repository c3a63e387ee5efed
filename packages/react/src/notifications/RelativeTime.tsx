/** How long ago something was. Keeps itself up to date; exactly when is told where it is pointed at. */
import { useTensOfSeconds } from '../now.ts'
import { useBelfry } from '../provider.tsx'
import { exactTime, relativeTime } from './relative-time.ts'

export function RelativeTime({ at }: { readonly at: string }) {
  const { labels, locale } = useBelfry()
  const now = useTensOfSeconds()
  const time = Date.parse(at)
  // A server has another clock, and maybe another language, than the page that takes over from it.
  return (
    <time dateTime={at} title={exactTime(time, locale)} suppressHydrationWarning>
      {relativeTime(time, now, { locale, justNow: labels.justNow })}
    </time>
  )
}

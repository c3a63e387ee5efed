/** Says what came in to those who listen: many at once in one sentence, and a critical one at once and by itself. */
import type { Notification } from '@belfry/contract'
import { useCallback, useEffect, useState } from 'react'
import { useNewest } from '../newest.ts'
import { useBelfry } from '../provider.tsx'

export interface Announcements {
  announce(notification: Notification): void
  readonly polite: Said
  readonly assertive: Said
}

/** What a live region holds; the number tells apart two that read the same. */
interface Said {
  readonly text: string
  readonly number: number
}

/** So long others may come that are told together. */
const gatheredMs = 1_000

const silence: Said = { text: '', number: 0 }

export function useAnnouncements(): Announcements {
  const { labels } = useBelfry()
  const [gathered, setGathered] = useState<readonly string[]>([])
  const [polite, setPolite] = useState(silence)
  const [assertive, setAssertive] = useState(silence)
  const announce = useCallback(
    ({ title, priority }: Notification) => {
      if (priority === 'critical') setAssertive(next(labels.announcement(title, 1)))
      else setGathered((before) => [...before, title])
    },
    [labels],
  )
  const newest = useNewest(gathered)
  const isGathering = gathered.length > 0
  // biome-ignore lint/correctness/useExhaustiveDependencies: the time begins with the first, in its words
  useEffect(() => {
    if (!isGathering) return
    const timer = setTimeout(() => {
      const titles = newest.current
      setPolite(next(labels.announcement(titles.at(-1) ?? '', titles.length)))
      setGathered([])
    }, gatheredMs)
    return () => clearTimeout(timer)
  }, [isGathering])
  return { announce, polite, assertive }
}

/** The regions are there before anything is said: what appears together with its region is not heard. */
export function Announcer({ polite, assertive }: Announcements) {
  return (
    <>
      <div className="belfry-unseen" aria-live="polite">
        <span key={polite.number}>{polite.text}</span>
      </div>
      <div className="belfry-unseen" aria-live="assertive">
        <span key={assertive.number}>{assertive.text}</span>
      </div>
    </>
  )
}

const next = (text: string) => (before: Said) => ({ text, number: before.number + 1 })

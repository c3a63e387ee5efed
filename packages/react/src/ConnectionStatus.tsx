/**
 * Whether what the page shows is up to date: one word while all is well, and otherwise why not, when the next attempt is
 * made, and how to make it now. After trouble it says for a moment that nothing was missed. Those who listen hear of trouble
 * and of its end, and of nothing else.
 */
import { useEffect, useState } from 'react'
import { OfflineIcon } from './icons.tsx'
import type { Labels } from './labels.ts'
import { useSeconds } from './now.ts'
import { useBelfry } from './provider.tsx'
import type { StatusView } from './status-view.ts'
import { useStatusView } from './use-status-view.ts'

export function ConnectionStatus() {
  const { labels } = useBelfry()
  const { retry, ...view } = useStatusView()
  const { kind, why, retryAt, recoveredEvents } = view
  const word = wordFor(view, labels)
  const reason = why === undefined ? undefined : labels.reason(why.code, why.message)
  return (
    <div className="belfry-status" data-kind={kind}>
      <span role="status" className="belfry-unseen">
        {announcementOf(view, labels)}
      </span>
      {word !== undefined && (
        <>
          {kind === 'offline' || kind === 'refused' ? (
            <OfflineIcon />
          ) : (
            <span className="belfry-status-mark" aria-hidden="true" />
          )}
          <span className="belfry-status-word">{word}</span>
          {reason !== undefined && <span className="belfry-status-reason">{reason}</span>}
          {recoveredEvents !== undefined && <Recovered events={recoveredEvents} />}
          {kind === 'offline' && <NextAttempt retryAt={retryAt} />}
          {(kind === 'offline' || kind === 'refused') && (
            <button
              type="button"
              className="belfry-button"
              // It keeps the focus while it has nothing to do.
              aria-disabled={kind === 'offline' && retryAt === undefined}
              onClick={retry}
            >
              {kind === 'refused' ? labels.tryAgain : labels.tryNow}
            </button>
          )}
        </>
      )}
    </div>
  )
}

/** Long enough to be read. */
const recoveredShownMs = 6_000

function Recovered({ events }: { readonly events: number }) {
  const { labels } = useBelfry()
  const [isOver, setIsOver] = useState(false)
  useEffect(() => {
    const timer = setTimeout(() => setIsOver(true), recoveredShownMs)
    return () => clearTimeout(timer)
  }, [])
  // It was said already to those who listen.
  return isOver ? null : (
    <span className="belfry-status-recovered" aria-hidden="true">
      {labels.recovered(events)}
    </span>
  )
}

/** Counts down for those who look; spoken it would be noise. */
function NextAttempt({ retryAt }: { readonly retryAt: number | undefined }) {
  const { labels } = useBelfry()
  const now = useSeconds()
  const seconds = retryAt === undefined ? 0 : Math.max(0, Math.ceil((retryAt - now) / 1_000))
  return (
    <span className="belfry-status-next" aria-hidden="true">
      {seconds === 0 ? labels.trying : labels.retryIn(seconds)}
    </span>
  )
}

function wordFor({ kind }: StatusView, labels: Labels): string | undefined {
  const words: Readonly<Record<StatusView['kind'], string | undefined>> = {
    nothing: undefined,
    online: labels.online,
    connecting: labels.connecting,
    offline: labels.offline,
    refused: labels.refused,
    'signed-out': labels.signedOut,
  }
  return words[kind]
}

function announcementOf(view: StatusView, labels: Labels): string {
  const { kind, why, hasRecovered, recoveredEvents } = view
  if (kind === 'online') {
    if (hasRecovered !== true) return ''
    return recoveredEvents === undefined
      ? labels.onlineAgain
      : `${labels.onlineAgain} ${labels.recovered(recoveredEvents)}`
  }
  if (kind !== 'offline' && kind !== 'refused') return ''
  const word = wordFor(view, labels) ?? ''
  return why === undefined ? word : `${word}. ${labels.reason(why.code, why.message)}`
}

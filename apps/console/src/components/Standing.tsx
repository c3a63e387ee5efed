/**
 * How old a table is, and why it stands still. As wide as the longest thing it may say: when that changes, what lies
 * below it must not move.
 */
import type { Followed, LiveState } from '../data/live.ts'
import { paused } from '../data/live.ts'
import { useStore } from '../data/store.ts'
import { clockTime } from '../format.ts'
import './standing.css'

interface StandingProps {
  readonly live: LiveState<Followed>
  /** Somebody reads it. */
  readonly held: boolean
}

export function Standing({ live, held }: StandingProps) {
  const isPaused = useStore(paused)
  if (!('data' in live)) return null
  const at = clockTime(live.data.receivedAt)
  const state = live.phase === 'lost' ? 'lost' : isPaused || held ? 'paused' : 'live'
  const texts = [
    { text: 'Paused while you read', isShown: state === 'paused' && !isPaused },
    { text: `Paused at ${at}`, isShown: state === 'paused' && isPaused },
    { text: state === 'lost' ? `Last read ${at}` : `Refreshed ${at}`, isShown: state !== 'paused' },
  ]
  return (
    <span className="live-state standing figures" data-state={state}>
      <span key={state === 'live' ? live.data.receivedAt : state} className="live-dot" aria-hidden="true" />
      <span className="standing-texts">
        {texts.map(({ text, isShown }) => (
          <span key={text} data-shown={isShown}>
            {text}
          </span>
        ))}
      </span>
    </span>
  )
}

/** Stops and resumes everything that moves by itself, on every page at once. */
import { Pause, Play } from 'lucide-react'
import { type Followed, type LiveState, paused, setPaused } from '../data/live.ts'
import { useStore } from '../data/store.ts'
import { clockTime } from '../format.ts'
import { Button } from './Button.tsx'
import './live-control.css'

/** Without `live` it is the button alone: a page that says elsewhere how it keeps up. */
export function LiveControl({ live }: { live?: LiveState<Followed> }) {
  const isPaused = useStore(paused)
  const data = live !== undefined && 'data' in live ? live.data : undefined
  const isLost = live?.phase === 'lost'
  return (
    <div className="live-control">
      {data !== undefined && (
        <span className="live-state" data-state={isLost ? 'lost' : isPaused ? 'paused' : 'live'}>
          {/* A new key for every value starts the ring anew: the bell is struck once a second. */}
          <span key={isPaused ? 'still' : data.receivedAt} className="live-dot" aria-hidden="true" />
          <span className="figures">
            {isLost ? 'Disconnected' : isPaused ? `Paused at ${clockTime(data.receivedAt)}` : 'Live'}
          </span>
        </span>
      )}
      <Button
        icon={
          isPaused ? (
            <Play size="0.9375rem" aria-hidden="true" />
          ) : (
            <Pause size="0.9375rem" aria-hidden="true" />
          )
        }
        onClick={() => setPaused(!isPaused)}
      >
        {isPaused ? 'Resume live' : 'Pause live'}
      </Button>
    </div>
  )
}

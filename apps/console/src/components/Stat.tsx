/** One reading: what it is, the figure, its unit, and how it went. `stale` says that it is no longer true for sure. */
import type { ReactNode } from 'react'
import type { Quantity } from '../format.ts'
import './stat.css'

interface StatProps {
  readonly label: string
  /** `undefined`: not known yet. */
  readonly value: Quantity | undefined
  /** Puts the figure into proportion: a peak, a limit. */
  readonly note?: ReactNode
  /** Said instead of the note when the figure is old: "as of 14:02:11". */
  readonly stale?: string | undefined
  readonly trend?: ReactNode
}

export function Stat({ label, value, note, stale, trend }: StatProps) {
  return (
    <div className="stat" data-stale={stale !== undefined}>
      <dt>{label}</dt>
      <dd>
        <span className="stat-value figures">
          {value === undefined ? '–' : value.figure}
          {value !== undefined && value.unit !== '' && <span className="stat-unit"> {value.unit}</span>}
        </span>
        <span className="stat-note figures">{stale ?? note}</span>
        {trend}
      </dd>
    </div>
  )
}

export function Stats({ children }: { children: ReactNode }) {
  return <dl className="stats">{children}</dl>
}

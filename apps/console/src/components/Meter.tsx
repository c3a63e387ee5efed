/** How much of a limit is used. `bare`: the figures stand beside it already. */
import { number } from '../format.ts'
import './meter.css'

interface MeterProps {
  readonly value: number
  readonly max: number
  readonly label: string
  readonly bare?: boolean
}

export function Meter({ value, max, label, bare = false }: MeterProps) {
  return (
    <span className="meter">
      <meter min={0} max={Math.max(max, 1)} value={value} aria-label={label} />
      {!bare && `${number(value)} of ${number(max)}`}
    </span>
  )
}

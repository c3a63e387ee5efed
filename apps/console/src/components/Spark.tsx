/** The course of one reading, without scale or words: the figure beside it says the rest. */
import './spark.css'

interface SparkProps {
  readonly values: readonly number[]
  /** The scale ends here at least, so that a quiet line stays quiet instead of being magnified noise. */
  readonly ceiling: number
  readonly tone: 'bronze' | 'patina' | 'ink'
}

const width = 100
const height = 32
/** More points than this cannot be seen at the size it has. */
const points = 120

export function Spark({ values, ceiling, tone }: SparkProps) {
  if (values.length < 2) return null
  const shown = thin(values)
  const top = Math.max(ceiling, ...shown) || 1
  const line = shown
    .map((value, index) => {
      const x = (index / (shown.length - 1)) * width
      const y = height - 1.5 - (value / top) * (height - 4)
      return `${index === 0 ? 'M' : 'L'}${x.toFixed(2)} ${y.toFixed(2)}`
    })
    .join('')
  return (
    <svg
      className={`spark spark-${tone}`}
      viewBox={`0 0 ${width} ${height}`}
      preserveAspectRatio="none"
      aria-hidden="true"
      focusable="false"
    >
      <path className="spark-area" d={`${line}L${width} ${height}L0 ${height}Z`} />
      <path className="spark-line" d={line} />
    </svg>
  )
}

/** Keeps the highest of each group: a peak must not vanish by being drawn small. */
function thin(values: readonly number[]): readonly number[] {
  const group = Math.ceil(values.length / points)
  if (group === 1) return values
  // Groups end at the newest value, so that they do not change their members with every second in a wobbling way.
  const offset = values.length % group
  const result: number[] = []
  for (let start = offset; start < values.length; start += group) {
    result.push(Math.max(...values.slice(start, start + group)))
  }
  return result
}

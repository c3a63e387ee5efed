/**
 * A live chart that everybody can read: drawn for those who look, with a cursor for mouse and keyboard, and as a table of
 * the same values. The cursor is a range input laid over the drawing: arrow keys, Home, End and its announcement come
 * from the browser.
 */
import { ChartLine, Table2 } from 'lucide-react'
import { useEffect, useMemo, useRef, useState } from 'react'
import { useStore } from '../data/store.ts'
import { paletteVersion } from '../design/theme.ts'
import { clockTime } from '../format.ts'
import { IconButton } from './Button.tsx'
import { Card } from './Card.tsx'
import { EmptyState } from './EmptyState.tsx'
import type { Plot, PlotData, PlotLine } from './plot.ts'
import { ValuePages } from './ValuePages.tsx'
import './time-series.css'

export interface Line extends PlotLine {
  readonly name: string
  /** As long as `times`. */
  readonly values: readonly number[]
}

interface TimeSeriesProps {
  readonly title: string
  /** Unix milliseconds, ascending. */
  readonly times: readonly number[]
  readonly lines: readonly Line[]
  readonly windowSeconds: number
  readonly text: (value: number) => string
  readonly axisText: (value: number) => string
  readonly ceiling: number
}

/** A sample a second; a longer pause than this is a gap in the line, not a straight stroke over it. */
const gapSeconds = 3

export function TimeSeries(props: TimeSeriesProps) {
  const { title, times, lines, text } = props
  const [asTable, setAsTable] = useState(false)
  const [pointed, setPointed] = useState<number | null>(null)
  const [keyed, setKeyed] = useState<number | null>(null)
  const at = keyed === null ? pointed : indexAt(times, keyed * 1000)
  const read = at ?? times.length - 1
  const readAt = times[read]

  const readout = (index: number): string =>
    lines.map((line) => `${line.name} ${text(line.values[index] ?? 0)}`).join(', ')

  return (
    <Card
      title={title}
      className="time-series"
      actions={
        <IconButton
          label={asTable ? 'Show as a chart' : 'Show as a table'}
          icon={
            asTable ? (
              <ChartLine size="1.0625rem" aria-hidden="true" />
            ) : (
              <Table2 size="1.0625rem" aria-hidden="true" />
            )
          }
          onClick={() => setAsTable(!asTable)}
        />
      }
    >
      <ul className="time-series-legend figures">
        {lines.map((line) => (
          <li key={line.name}>
            <LineSample line={line} />
            {line.name}
            <strong>{readAt === undefined ? '–' : text(line.values[read] ?? 0)}</strong>
          </li>
        ))}
        <li className="time-series-at">{readAt === undefined ? '' : clockTime(readAt)}</li>
      </ul>
      {times.length === 0 ? (
        <EmptyState title="No samples yet">
          The server takes one a second; the first is on its way.
        </EmptyState>
      ) : asTable ? (
        <ValuePages title={title} times={times} lines={lines} text={text} />
      ) : (
        <figure
          className="time-series-figure"
          aria-label={`${title}, chart of the last ${spanText(props.windowSeconds)}`}
        >
          <Drawing {...props} keyed={keyed} onPoint={setPointed} />
          <input
            type="range"
            className="time-series-cursor"
            aria-label={`Cursor of ${title}`}
            min={Math.floor((times[0] ?? 0) / 1000)}
            max={Math.floor((times.at(-1) ?? 0) / 1000)}
            value={keyed ?? Math.floor((times.at(-1) ?? 0) / 1000)}
            aria-valuetext={readAt === undefined ? '' : `${clockTime(readAt)}: ${readout(read)}`}
            onFocus={() => setKeyed(Math.floor((times.at(-1) ?? 0) / 1000))}
            onBlur={() => setKeyed(null)}
            onChange={(event) => setKeyed(Number(event.target.value))}
          />
        </figure>
      )}
    </Card>
  )
}

type DrawingProps = TimeSeriesProps & {
  readonly keyed: number | null
  readonly onPoint: (index: number | null) => void
}

function Drawing({ times, lines, windowSeconds, axisText, ceiling, keyed, onPoint }: DrawingProps) {
  const host = useRef<HTMLDivElement>(null)
  const plot = useRef<Plot>(undefined)
  const palette = useStore(paletteVersion)
  const [failed, setFailed] = useState(false)
  const { data, sources } = useMemo(
    () => plotData(times, lines, windowSeconds),
    [times, lines, windowSeconds],
  )

  // What the drawing asks for while it lives; renewed on every render without drawing anew.
  const current = useRef({ data, sources, axisText, onPoint })
  current.current = { data, sources, axisText, onPoint }

  const shape = JSON.stringify([
    lines.map(({ color, dashed, filled }) => ({ color, dashed, filled })),
    ceiling,
  ])

  // biome-ignore lint/correctness/useExhaustiveDependencies: a new palette draws anew
  useEffect(() => {
    const element = host.current
    if (element === null) return
    let gone = false
    const [plotLines, plotCeiling] = JSON.parse(shape) as [PlotLine[], number]
    import('./plot.ts').then(
      ({ createPlot }) => {
        if (gone) return
        plot.current = createPlot(
          element,
          {
            lines: plotLines,
            ceiling: plotCeiling,
            group: 'overview',
            axisText: (value) => current.current.axisText(value),
            timeText: (seconds) => clockTime(seconds * 1000),
            onCursor: (index) =>
              current.current.onPoint(index === null ? null : (current.current.sources[index] ?? null)),
          },
          current.current.data,
        )
      },
      () => setFailed(true),
    )
    return () => {
      gone = true
      plot.current?.destroy()
      plot.current = undefined
    }
  }, [shape, palette])

  // The keyboard's cursor stays on its moment while the values move on beneath it.
  useEffect(() => {
    plot.current?.setData(data)
    if (keyed !== null) plot.current?.setCursor(keyed)
  }, [data, keyed])
  useEffect(() => {
    if (keyed === null) plot.current?.setCursor(null)
  }, [keyed])

  if (failed) {
    return (
      <EmptyState title="The chart could not be loaded">
        The values are still there: show them as a table, or reload the page.
      </EmptyState>
    )
  }
  return <div ref={host} className="time-series-drawing" aria-hidden="true" />
}

function LineSample({ line }: { line: Line }) {
  return (
    <svg width="18" height="8" viewBox="0 0 18 8" aria-hidden="true">
      <path
        d="M1 4h16"
        fill="none"
        strokeWidth="2.5"
        style={{ stroke: `var(${line.color})` }}
        strokeDasharray={line.dashed === true ? '5 3' : undefined}
      />
    </svg>
  )
}

/** `sources` says which sample a drawn point is: gaps put points between them that are none. */
function plotData(times: readonly number[], lines: readonly Line[], windowSeconds: number) {
  const drawn: number[] = []
  const sources: (number | undefined)[] = []
  times.forEach((time, index) => {
    const before = times[index - 1]
    if (before !== undefined && time - before > gapSeconds * 1000) {
      drawn.push(before / 1000 + 1)
      sources.push(undefined)
    }
    drawn.push(time / 1000)
    sources.push(index)
  })
  const values = lines.map((line) =>
    sources.map((source) => (source === undefined ? null : (line.values[source] ?? null))),
  )
  const to = (times.at(-1) ?? 0) / 1000
  const data: PlotData = { times: drawn, values, from: to - windowSeconds, to }
  return { data, sources }
}

/** The sample at a moment, or the nearest before it. */
function indexAt(times: readonly number[], at: number): number {
  const after = times.findIndex((time) => time >= at)
  return after === -1 ? times.length - 1 : after
}

function spanText(seconds: number): string {
  return seconds === 60 ? 'minute' : `${seconds / 60} minutes`
}

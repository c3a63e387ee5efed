/**
 * The drawing of a time series with uPlot, loaded only when a chart is on the page. Knows nothing of React: it is given
 * an element, colours and values, and says where the cursor stands.
 */
import UPlot from 'uplot'
import 'uplot/dist/uPlot.min.css'

export interface PlotLine {
  /** Name of a custom property of the design: `--series-bronze`. */
  readonly color: string
  /** Told apart by more than colour. */
  readonly dashed?: boolean
  readonly filled?: boolean
}

export interface PlotOptions {
  readonly lines: readonly PlotLine[]
  readonly axisText: (value: number) => string
  readonly timeText: (seconds: number) => string
  /** The scale ends here at least, so that a quiet line stays quiet. */
  readonly ceiling: number
  /** Charts of one group move their cursors together. */
  readonly group: string
  readonly onCursor: (index: number | null) => void
}

export interface PlotData {
  /** Unix seconds, ascending. */
  readonly times: readonly number[]
  /** One list a line; `null` is a gap. */
  readonly values: readonly (readonly (number | null)[])[]
  readonly from: number
  readonly to: number
}

export interface Plot {
  setData(data: PlotData): void
  /** Puts the cursor on a moment, or takes it away. */
  setCursor(seconds: number | null): void
  destroy(): void
}

export function createPlot(host: HTMLElement, options: PlotOptions, first: PlotData): Plot {
  const colors = readColors(host)
  const fontPx = Number.parseFloat(getComputedStyle(host).fontSize)
  const font = `${fontPx}px ${getComputedStyle(host).fontFamily}`
  let data = first

  const axis: UPlot.Axis = {
    stroke: colors('--chart-text'),
    font,
    grid: { stroke: colors('--chart-grid'), width: 1 },
    ticks: { show: false },
  }
  const plot = new UPlot(
    {
      width: Math.max(host.clientWidth, 10),
      height: Math.max(host.clientHeight, 10),
      padding: [fontPx * 0.75, fontPx * 0.5, 0, 0],
      legend: { show: false },
      cursor: {
        drag: { x: false, y: false },
        sync: { key: options.group, setSeries: false },
        points: { size: 8, width: 2 },
        y: false,
      },
      scales: {
        x: { time: false, range: () => [data.from, data.to] },
        y: { range: (_plot, _min, max) => [0, niceCeiling(Math.max(max ?? 0, options.ceiling))] },
      },
      axes: [
        {
          ...axis,
          grid: { show: false },
          gap: fontPx * 0.5,
          size: fontPx * 2.25,
          space: fontPx * 8,
          incrs: [10, 15, 30, 60, 120, 180, 300],
          values: (current, splits) => {
            // A text is centred on its moment; one too near to the end would be cut off.
            const last = current.width - fontPx * 2.6
            return splits.map((at) =>
              current.valToPos(at, 'x') + axisWidth(current) > last ? '' : options.timeText(at),
            )
          },
        },
        {
          ...axis,
          gap: fontPx * 0.5,
          space: fontPx * 3,
          size: (_plot, texts) => {
            const longest = Math.max(0, ...(texts ?? []).map((text) => text.length))
            return fontPx * (0.6 * longest + 1)
          },
          values: (_plot, splits) => splits.map(options.axisText),
        },
      ],
      series: [
        {},
        ...options.lines.map(
          (line): UPlot.Series => ({
            stroke: colors(line.color),
            width: 1.75,
            spanGaps: false,
            ...(line.dashed === true ? { dash: [5, 4] } : {}),
            ...(line.filled === true ? { fill: fade(colors(line.color)) } : {}),
            points: { show: (_plot, _series, from, to) => to - from < 2 },
          }),
        ),
      ],
      hooks: { setCursor: [(current) => options.onCursor(current.cursor.idx ?? null)] },
    },
    aligned(first),
    host,
  )

  const resize = new ResizeObserver(() => {
    if (host.clientWidth > 0 && host.clientHeight > 0) {
      plot.setSize({ width: host.clientWidth, height: host.clientHeight })
    }
  })
  resize.observe(host)

  return {
    setData(next) {
      data = next
      plot.setData(aligned(next))
    },
    setCursor(seconds) {
      if (seconds === null) plot.setCursor({ left: -10, top: -10 })
      else plot.setCursor({ left: plot.valToPos(seconds, 'x'), top: 0 })
    },
    destroy() {
      resize.disconnect()
      plot.destroy()
    },
  }
}

/** What lies left of the drawing proper, in CSS pixels. */
function axisWidth(plot: UPlot): number {
  return plot.bbox.left / devicePixelRatio
}

function aligned(data: PlotData): UPlot.AlignedData {
  return [[...data.times], ...data.values.map((line) => [...line])]
}

/** The next round figure (1, 1.5, 2, 2.5, 3 … times a power of ten), with a little air above the highest value. */
function niceCeiling(highest: number): number {
  const wanted = highest * 1.08
  const power = 10 ** Math.floor(Math.log10(wanted))
  const step = [1, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10].find((factor) => factor * power >= wanted) ?? 10
  return step * power
}

/** A custom property holds `light-dark(…)`; only an element's colour is resolved to what is in force. */
function readColors(host: HTMLElement): (property: string) => string {
  const probe = document.createElement('span')
  host.append(probe)
  const resolved = new Map<string, string>()
  queueMicrotask(() => probe.remove())
  return (property) => {
    const before = resolved.get(property)
    if (before !== undefined) return before
    probe.style.color = `var(${property})`
    const color = getComputedStyle(probe).color
    resolved.set(property, color)
    return color
  }
}

/** From the line's colour down to nothing. */
function fade(color: string): (plot: UPlot) => CanvasGradient {
  return (plot) => {
    const gradient = plot.ctx.createLinearGradient(0, plot.bbox.top, 0, plot.bbox.top + plot.bbox.height)
    gradient.addColorStop(0, translucent(color, 0.22))
    gradient.addColorStop(1, translucent(color, 0.02))
    return gradient
  }
}

function translucent(color: string, alpha: number): string {
  return `color-mix(in srgb, ${color} ${alpha * 100}%, transparent)`
}

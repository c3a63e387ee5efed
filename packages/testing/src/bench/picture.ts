/** The results of a bench of recovery as a picture: for each server what became of the deliveries, and how long it took. */
import type { RecoveryResult, Scenario } from './recovery.ts'
import { describeScenario, percent, titleOf, whole } from './report.ts'

const width = 780
const left = 225
const barWidth = 400
const rowHeight = 34
const barHeight = 16

/** Of the picture itself, so that it looks right wherever it is shown. */
const colours = {
  paper: '#ffffff',
  ink: '#1d232b',
  quiet: '#5b6673',
  delivered: '#2f7d4f',
  told: '#d9a21b',
  silent: '#b3342d',
  time: '#3b6ea5',
  track: '#eceff2',
} as const

export function drawPicture(scenario: Scenario, results: readonly RecoveryResult[]): string {
  const slowest = Math.max(
    1,
    ...results.map(({ caughtUpMs: { p99 } }) => p99).filter((ms) => !Number.isNaN(ms)),
  )
  const deliveries = results.map((result, index) => deliveryRow(result, 96 + index * rowHeight))
  const timesAt = 96 + results.length * rowHeight + 44
  const times = results.map((result, index) => timeRow(result, timesAt + 18 + index * rowHeight, slowest))
  const height = timesAt + 18 + results.length * rowHeight + 12
  const title = 'Events over broken lines'
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="${escaped(title)}" font-family="system-ui, sans-serif" font-size="13">
<rect width="${width}" height="${height}" fill="${colours.paper}"/>
${text(20, 30, title, colours.ink, 'font-size="17" font-weight="600"')}
${text(20, 50, describeScenario(scenario), colours.quiet, 'font-size="11.5"')}
${legend(82)}
${deliveries.join('\n')}
${text(20, timesAt, 'From the first attempt that reaches the server to the last event that was missed: p99', colours.ink, 'font-weight="600"')}
${times.join('\n')}
</svg>
`
}

function legend(y: number): string {
  const entries = [
    ['delivered', colours.delivered],
    ['lost and told', colours.told],
    ['lost silently', colours.silent],
  ] as const
  return entries
    .map(([label, colour], index) => {
      const x = left + index * 120
      return `${bar(x, y - 10, 10, colour, 10)}${text(x + 16, y, label, colours.quiet, 'font-size="11.5"')}`
    })
    .join('\n')
}

function deliveryRow(result: RecoveryResult, y: number): string {
  const { due, delivered, told, missing, twice, outOfOrder } = result.verdict
  const widthOf = (count: number) => (due === 0 ? 0 : count === 0 ? 0 : Math.max(2, (count / due) * barWidth))
  const lost = widthOf(missing)
  const known = widthOf(told)
  const came = Math.max(0, Math.min(widthOf(delivered), barWidth - lost - known))
  const flaws = [
    ...(twice > 0 ? [`${whole(twice)} twice`] : []),
    ...(outOfOrder > 0 ? [`${whole(outOfOrder)} out of order`] : []),
  ]
  return [
    text(20, y + barHeight - 3, titleOf(result), colours.ink),
    bar(left, y, barWidth, colours.track),
    bar(left, y, came, colours.delivered),
    bar(left + came, y, known, colours.told),
    bar(left + came + known, y, lost, colours.silent),
    text(
      left + barWidth + 10,
      y + barHeight - 3,
      [percent(delivered, due), ...flaws].join(', '),
      colours.ink,
    ),
  ].join('\n')
}

function timeRow(result: RecoveryResult, y: number, slowest: number): string {
  const { p99 } = result.caughtUpMs
  const shown = Number.isNaN(p99) ? '–' : `${whole(Math.round(p99))} ms`
  return [
    text(20, y + barHeight - 3, titleOf(result), colours.ink),
    bar(left, y, barWidth, colours.track),
    bar(left, y, Number.isNaN(p99) ? 0 : Math.max(2, (p99 / slowest) * barWidth), colours.time),
    text(left + barWidth + 10, y + barHeight - 3, shown, colours.ink),
  ].join('\n')
}

const bar = (x: number, y: number, length: number, colour: string, height = barHeight) =>
  `<rect x="${rounded(x)}" y="${rounded(y)}" width="${rounded(length)}" height="${height}" rx="2" fill="${colour}"/>`

const text = (x: number, y: number, words: string, colour: string, more = '') =>
  `<text x="${rounded(x)}" y="${rounded(y)}" fill="${colour}"${more === '' ? '' : ` ${more}`}>${escaped(words)}</text>`

const rounded = (value: number) => Math.round(value * 100) / 100

const escaped = (words: string) =>
  words.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;')

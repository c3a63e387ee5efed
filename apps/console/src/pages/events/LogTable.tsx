/** The rows of the log. Each is drawn once: a busy server brings two hundred a second. */
import { memo } from 'react'
import { Badge, type Tone } from '../../components/Badge.tsx'
import type { LogRow } from '../../data/activity.ts'
import { clockTime, dateTime, number, plural, sizeText } from '../../format.ts'
import { Link } from '../../router.tsx'

type Entry = Extract<LogRow, { kind: 'entry' }>['entry']

const kinds: Record<Entry['kind'], { text: string; tone: Tone }> = {
  event: { text: 'Event', tone: 'note' },
  command: { text: 'Command', tone: 'plain' },
  connect: { text: 'Connect', tone: 'well' },
  disconnect: { text: 'Disconnect', tone: 'plain' },
  refused: { text: 'Refused', tone: 'warn' },
}

export function LogTable({ rows }: { rows: readonly LogRow[] }) {
  return (
    <table className="table table-tight log-table">
      <caption className="visually-hidden">Log entries, newest first</caption>
      <thead>
        <tr>
          <th scope="col">Time</th>
          <th scope="col">Kind</th>
          <th scope="col">Name</th>
          <th scope="col">Namespace</th>
          <th scope="col">Who</th>
          <th scope="col">Outcome</th>
        </tr>
      </thead>
      <tbody>
        {rows.map((row) => (
          <Line key={row.id} row={row} />
        ))}
      </tbody>
    </table>
  )
}

const Line = memo(function Line({ row }: { row: LogRow }) {
  if (row.kind !== 'entry') {
    return (
      <tr className="log-missing">
        <td colSpan={6}>{missing(row)}</td>
      </tr>
    )
  }
  const { entry } = row
  const { text, tone } = kinds[entry.kind]
  const isRefusal = entry.kind === 'refused'
  return (
    <tr>
      <td className="figures log-time">
        <time dateTime={entry.at} title={dateTime(entry.at)}>
          {clockTime(entry.at)}
        </time>
      </td>
      <td>
        <Badge tone={tone}>{text}</Badge>
      </td>
      <th scope="row">{isRefusal ? <Code code={entry.name} /> : <code dir="auto">{entry.name}</code>}</th>
      <td className="log-more">
        <code dir="auto">{entry.namespace}</code>
      </td>
      <td className="log-more">
        <Who entry={entry} />
      </td>
      <td className="log-more figures">
        <Outcome entry={entry} />
      </td>
    </tr>
  )
})

function missing(row: Exclude<LogRow, { kind: 'entry' }>): string {
  if (row.kind === 'gap')
    return `Nobody listened from ${clockTime(row.from)} to ${clockTime(row.to)}: what happened then is not listed.`
  return `${plural(row.count, 'entry was', 'entries were')} left out here: more went on than anybody could read.`
}

/** Of the rooms of one event; the rest is counted. */
const roomsShown = 3

function Who({ entry: { userId, rooms } }: { entry: Entry }) {
  if (userId !== undefined) return <bdi>{userId}</bdi>
  if (rooms === undefined) return <span className="muted">–</span>
  const more = rooms.length - roomsShown
  return (
    <>
      {rooms.slice(0, roomsShown).map((room, index) => (
        <span key={room}>
          {index > 0 && ', '}
          <code dir="auto">{room}</code>
        </span>
      ))}
      {more > 0 && ` and ${number(more)} more`}
    </>
  )
}

function Outcome({ entry: { kind, code, recipients, bytes } }: { entry: Entry }) {
  if (code !== undefined) {
    return (
      <>
        refused, <Code code={code} />
      </>
    )
  }
  const size = bytes === undefined ? '' : sizeText(bytes)
  if (kind === 'event') return `${plural(recipients ?? 0, 'recipient')}, ${size}`
  if (kind === 'command') return `done, ${size}`
  return null
}

/** Leads to its row in the errors reference. */
function Code({ code }: { code: string }) {
  return (
    <Link href={`/docs/errors#${code}`}>
      <code>{code}</code>
    </Link>
  )
}

/** The values of a chart as a table, newest first, page by page. They stand still from the moment they were opened. */
import { ChevronLeft, ChevronRight } from 'lucide-react'
import { useState } from 'react'
import { clockTime, number } from '../format.ts'
import { IconButton } from './Button.tsx'
import { type Column, Table } from './Table.tsx'
import type { Line } from './TimeSeries.tsx'

interface ValuePagesProps {
  readonly title: string
  readonly times: readonly number[]
  readonly lines: readonly Line[]
  readonly text: (value: number) => string
}

const perPage = 10

export function ValuePages(props: ValuePagesProps) {
  // Rows that move every second can be read by nobody: what is shown is what was there when it was opened.
  const [{ title, times, lines, text }] = useState(props)
  const [page, setPage] = useState(0)
  const pages = Math.max(1, Math.ceil(times.length / perPage))
  const newest = times.length - 1 - page * perPage
  const rows = Array.from({ length: Math.min(perPage, newest + 1) }, (_, offset) => newest - offset)
  const columns: readonly Column<number>[] = [
    { key: 'time', title: 'Time', heads: true, cell: (index) => clockTime(times[index] ?? 0) },
    ...lines.map((line) => ({
      key: line.name,
      title: line.name,
      kind: 'figures' as const,
      cell: (index: number) => text(line.values[index] ?? 0),
    })),
  ]
  return (
    <div className="value-pages">
      <Table
        caption={`${title}, second by second`}
        columns={columns}
        rows={rows}
        keyOf={(index) => String(times[index])}
        className="table-tight"
      />
      <div className="value-pages-foot">
        <output className="muted figures">
          Page {number(page + 1)} of {number(pages)}, as of {clockTime(times.at(-1) ?? 0)}
        </output>
        <IconButton
          label="Newer values"
          icon={<ChevronLeft size="1.0625rem" aria-hidden="true" />}
          disabled={page === 0}
          onClick={() => setPage(page - 1)}
        />
        <IconButton
          label="Older values"
          icon={<ChevronRight size="1.0625rem" aria-hidden="true" />}
          disabled={page >= pages - 1}
          onClick={() => setPage(page + 1)}
        />
      </div>
    </div>
  )
}

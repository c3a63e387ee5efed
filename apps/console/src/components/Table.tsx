/** Rows under named columns; on a narrow screen each row becomes a card that repeats the column names. */
import { ArrowDown, ArrowUp } from 'lucide-react'
import { Fragment, type ReactNode } from 'react'
import './table.css'

export interface Column<Row> {
  readonly key: string
  readonly title: string
  readonly cell: (row: Row) => ReactNode
  /** `figures`: right-aligned, equal width. */
  readonly kind?: 'text' | 'figures'
  /** The one that names the row. */
  readonly heads?: boolean
  /** Its title is for those who listen only: a column of buttons. */
  readonly isUntitled?: boolean
}

export interface Sorting {
  /** Of a column. */
  readonly key: string
  readonly direction: 'ascending' | 'descending'
  readonly onSort: (key: string) => void
}

interface TableProps<Row> {
  /** Says what the rows are, for those who come upon the table by itself. */
  readonly caption: string
  readonly columns: readonly Column<Row>[]
  readonly rows: readonly Row[]
  readonly keyOf: (row: Row) => string
  readonly className?: string
  /** A line below a row, over all columns. */
  readonly below?: (row: Row) => ReactNode
  /** Words for style sheets; a reader is told the same in a cell. */
  readonly stateOf?: (row: Row) => string
  /** Titles become buttons. */
  readonly sorting?: Sorting
}

export function Table<Row>(props: TableProps<Row>) {
  const { caption, columns, rows, keyOf, className = '', below, stateOf, sorting } = props
  return (
    <table className={`table ${className}`}>
      <caption className="visually-hidden">{caption}</caption>
      <thead>
        <tr>
          {columns.map((column) => (
            <Title key={column.key} column={column} sorting={sorting} />
          ))}
        </tr>
      </thead>
      <tbody>
        {rows.map((row) => {
          const line = below?.(row)
          return (
            <Fragment key={keyOf(row)}>
              <tr data-state={stateOf?.(row)}>
                {columns.map((column) => (
                  <Cell key={column.key} column={column} row={row} />
                ))}
              </tr>
              {line !== undefined && (
                <tr className="table-below">
                  <td colSpan={columns.length}>{line}</td>
                </tr>
              )}
            </Fragment>
          )
        })}
      </tbody>
    </table>
  )
}

function Title<Row>({ column, sorting }: { column: Column<Row>; sorting: Sorting | undefined }) {
  const { key, title, kind = 'text', isUntitled = false } = column
  const attributes = { scope: 'col', 'data-kind': kind } as const
  if (sorting === undefined) {
    return <th {...attributes}>{isUntitled ? <span className="visually-hidden">{title}</span> : title}</th>
  }
  const isChosen = sorting.key === key
  const Arrow = isChosen && sorting.direction === 'ascending' ? ArrowUp : ArrowDown
  return (
    <th {...attributes} aria-sort={isChosen ? sorting.direction : 'none'}>
      <button type="button" className="table-sort" data-sorted={isChosen} onClick={() => sorting.onSort(key)}>
        {title}
        <Arrow className="table-sort-arrow" size="0.875rem" aria-hidden="true" />
      </button>
    </th>
  )
}

function Cell<Row>({ column, row }: { column: Column<Row>; row: Row }) {
  const { title, kind = 'text', heads = false, isUntitled = false, cell } = column
  const attributes = { ...(isUntitled ? {} : { 'data-title': title }), 'data-kind': kind }
  return heads ? (
    <th scope="row" {...attributes}>
      {cell(row)}
    </th>
  ) : (
    <td {...attributes}>{cell(row)}</td>
  )
}

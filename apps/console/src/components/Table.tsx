/** Rows under named columns; on a narrow screen each row becomes a card that repeats the column names. */
import type { ReactNode } from 'react'
import './table.css'

export interface Column<Row> {
  readonly key: string
  readonly title: string
  readonly cell: (row: Row) => ReactNode
  /** `figures`: right-aligned, equal width. */
  readonly kind?: 'text' | 'figures'
  /** The one that names the row. */
  readonly heads?: boolean
}

interface TableProps<Row> {
  /** Says what the rows are, for those who come upon the table by itself. */
  readonly caption: string
  readonly columns: readonly Column<Row>[]
  readonly rows: readonly Row[]
  readonly keyOf: (row: Row) => string
  readonly className?: string
}

export function Table<Row>({ caption, columns, rows, keyOf, className = '' }: TableProps<Row>) {
  return (
    <table className={`table ${className}`}>
      <caption className="visually-hidden">{caption}</caption>
      <thead>
        <tr>
          {columns.map((column) => (
            <th key={column.key} scope="col" data-kind={column.kind ?? 'text'}>
              {column.title}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {rows.map((row) => (
          <tr key={keyOf(row)}>
            {columns.map((column) =>
              column.heads === true ? (
                <th key={column.key} scope="row" data-title={column.title}>
                  {column.cell(row)}
                </th>
              ) : (
                <td key={column.key} data-title={column.title} data-kind={column.kind ?? 'text'}>
                  {column.cell(row)}
                </td>
              ),
            )}
          </tr>
        ))}
      </tbody>
    </table>
  )
}

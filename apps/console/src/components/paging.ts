/** Where one is in a list that is read page by page, and only from the beginning. */
import { useState } from 'react'

export interface Paging {
  /** Of the page before; absent on the first page. */
  readonly cursor: string | undefined
  /** From 1. */
  readonly page: number
  next(cursor: string): void
  previous(): void
  first(): void
}

/** `of` says which list it is: another one begins at its first page. */
export function usePaging(of: string): Paging {
  const [place, setPlace] = useState<{ of: string; cursors: readonly string[] }>({ of, cursors: [] })
  const cursors = place.of === of ? place.cursors : []
  const go = (to: readonly string[]): void => setPlace({ of, cursors: to })
  return {
    cursor: cursors.at(-1),
    page: cursors.length + 1,
    next: (cursor) => go([...cursors, cursor]),
    previous: () => go(cursors.slice(0, -1)),
    first: () => go([]),
  }
}

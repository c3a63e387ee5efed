/** Keeps the focus in a list whose parts come and go: when what has it is taken away, what takes its place gets it. */
import { type FocusEvent, type RefObject, useLayoutEffect, useRef } from 'react'

interface KeptFocus {
  /** For the list, which has to be able to take the focus itself: it gets it when nothing is left. */
  readonly ref: RefObject<HTMLDivElement | null>
  readonly handlers: {
    onFocus(event: FocusEvent): void
    onBlur(): void
  }
}

export function useKeptFocus(count: number): KeptFocus {
  const ref = useRef<HTMLDivElement>(null)
  const focused = useRef<{ readonly element: Element; readonly index: number }>(undefined)
  const articles = () => [...(ref.current?.querySelectorAll<HTMLElement>('article') ?? [])]

  // After each drawing: React tells nobody of a focus that it takes away.
  useLayoutEffect(() => {
    const before = focused.current
    if (before === undefined || before.element.isConnected || document.activeElement !== document.body) return
    const next = articles()[Math.min(before.index, count - 1)] ?? ref.current
    next?.focus()
  })

  return {
    ref,
    handlers: {
      onFocus({ target }) {
        const index = articles().findIndex((article) => article.contains(target))
        // What stands below the articles: whatever comes next comes there.
        focused.current = { element: target, index: index === -1 ? count : index }
      },
      onBlur() {
        focused.current = undefined
      },
    },
  }
}

/** Whether somebody reads a part of a page: what they look at must not move under the pointer or the focus. */
import { type FocusEvent, useEffect, useRef, useState } from 'react'

export interface Reading {
  readonly isRead: boolean
  /** For the element that holds the part; it has to stay while its content changes. */
  readonly handlers: {
    onPointerEnter(): void
    onPointerLeave(): void
    onFocus(event: FocusEvent): void
    onBlur(event: FocusEvent): void
  }
}

export function useReading(): Reading {
  const [isPointedAt, setPointedAt] = useState(false)
  const [hasFocus, setFocus] = useState(false)
  const part = useRef<Element>(null)
  useEffect(() => {
    // What had the focus may have been taken away, of which browsers tell nobody; and React hears nothing of a focus
    // that moves while it draws, as when a window that closes gives it back.
    const isWithin = part.current?.contains(document.activeElement) === true
    if (hasFocus !== isWithin) setFocus(isWithin)
  })
  return {
    isRead: isPointedAt || hasFocus,
    handlers: {
      onPointerEnter: () => setPointedAt(true),
      onPointerLeave: () => setPointedAt(false),
      onFocus(event) {
        part.current = event.currentTarget
        setFocus(true)
      },
      onBlur(event) {
        if (!event.currentTarget.contains(event.relatedTarget)) setFocus(false)
      },
    },
  }
}

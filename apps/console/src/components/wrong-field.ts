/** Where a form was refused, the first of its fields that is wrong takes the focus, once it is drawn as such. */
import { type RefObject, useCallback, useEffect, useRef } from 'react'

export interface WrongField {
  /** For the element around the form. */
  readonly form: RefObject<HTMLDivElement | null>
  /** To be called with what makes the fields wrong. */
  readonly focusWrong: () => void
}

export function useWrongField(): WrongField {
  const form = useRef<HTMLDivElement>(null)
  const isAsked = useRef(false)
  useEffect(() => {
    if (!isAsked.current) return
    isAsked.current = false
    const wrong = form.current?.querySelector('[data-wrong="true"]')
    const [first] = ['[aria-invalid="true"]', 'input, textarea, select', 'button'].flatMap(
      (selector) => wrong?.querySelector<HTMLElement>(selector) ?? [],
    )
    first?.focus()
  })
  const focusWrong = useCallback(() => {
    isAsked.current = true
  }, [])
  return { form, focusWrong }
}

/** What was handed over last, for functions that are called later: nobody has to keep the identity of a listener. */
import { type RefObject, useInsertionEffect, useRef } from 'react'

export function useNewest<Value>(value: Value): Readonly<RefObject<Value>> {
  const newest = useRef(value)
  // Before any other effect may call it.
  useInsertionEffect(() => {
    newest.current = value
  })
  return newest
}

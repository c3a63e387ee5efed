/** Goes to what the address names behind the hash sign, also when it was drawn only after the page was loaded. */
import { useEffect } from 'react'
import { usePlace } from '../router.tsx'

/** `ready`: the page's parts are drawn. Answers with the name, so that the part can be marked. */
export function useFragmentTarget(ready: boolean): string {
  const place = usePlace()
  useEffect(() => {
    if (!ready || place.fragment === '') return
    const target = document.getElementById(place.fragment)
    target?.scrollIntoView()
    target?.focus({ preventScroll: true })
  }, [ready, place])
  return place.fragment
}

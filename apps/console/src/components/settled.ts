/** What somebody types, once they pause: the server is not asked for every letter. */
import { useEffect, useState } from 'react'

const pauseMs = 300

export function useSettled(value: string): string {
  const [settled, setSettled] = useState(value)
  useEffect(() => {
    const timer = setTimeout(() => setSettled(value), pauseMs)
    return () => clearTimeout(timer)
  }, [value])
  return settled
}

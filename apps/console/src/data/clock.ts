/** The passing seconds, for what ticks on the page by itself. */
import { useEffect, useState } from 'react'

/** This browser's time, renewed every second; stands still while `stopped`. */
export function useNow(stopped = false): number {
  const [now, setNow] = useState(() => Date.now())
  useEffect(() => {
    if (stopped) return
    setNow(Date.now())
    const timer = setInterval(() => setNow(Date.now()), 1000)
    return () => clearInterval(timer)
  }, [stopped])
  return now
}

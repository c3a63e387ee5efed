/** What is shown of the connection: what passes within a second is not shown at all. */
import { useEffect, useState } from 'react'
import { type Connection, useConnection } from './connection.ts'
import { mayPass, nextView, nothing, type StatusView } from './status-view.ts'

const shownAfterMs = 1_000

export function useStatusView(): StatusView & Pick<Connection, 'retry'> {
  const connection = useConnection()
  const [followed, setFollowed] = useState<{ connection?: Connection; view: StatusView }>({ view: nothing })
  const next = nextView(followed.view, connection)
  const mayBeShort = mayPass(next) && !mayPass(followed.view)
  const hasLasted = useHasLasted(mayBeShort)
  if (followed.connection !== connection && (!mayBeShort || hasLasted))
    setFollowed({ connection, view: next })
  return { ...(mayBeShort && !hasLasted ? followed.view : next), retry: connection.retry }
}

function useHasLasted(isTrue: boolean): boolean {
  const [hasLasted, setHasLasted] = useState(false)
  useEffect(() => {
    if (!isTrue) return
    const timer = setTimeout(() => setHasLasted(true), shownAfterMs)
    return () => {
      clearTimeout(timer)
      setHasLasted(false)
    }
  }, [isTrue])
  return hasLasted
}

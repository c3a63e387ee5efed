/** Locks that die with the page that holds them: who leads, and who is there, is known without timers and heartbeats. */

/** What is used of `navigator.locks`. */
export interface Locks {
  request(
    name: string,
    options: { readonly steal?: boolean; readonly signal?: AbortSignal },
    held: () => Promise<void> | undefined,
  ): Promise<unknown>
}

export interface Holding {
  /** It is ours from now on. */
  onHeld(): void
  /** Somebody stole it, or there are no locks here. */
  onLost?(): void
}

/** Waits for the lock, or takes it from whoever has it, and holds it until the returned function is called. */
export function hold(
  locks: Locks,
  name: string,
  { onHeld, onLost }: Holding,
  { steal = false } = {},
): () => void {
  const waiting = new AbortController()
  let isOver = false
  let release = () => {}
  locks
    .request(name, steal ? { steal } : { signal: waiting.signal }, () => {
      if (isOver) return undefined
      const held = new Promise<void>((resolve) => {
        release = resolve
      })
      onHeld()
      return held
    })
    .catch(() => {
      if (isOver) return
      isOver = true
      onLost?.()
    })
  return () => {
    isOver = true
    waiting.abort()
    release()
  }
}

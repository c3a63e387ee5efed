/** A browser knows that there is a network again before the next attempt would find out. Elsewhere nobody says so. */
export function whenOnline(action: () => void): () => void {
  globalThis.addEventListener?.('online', action)
  return () => globalThis.removeEventListener?.('online', action)
}

/** What goes on, for an operator who watches: made only while somebody does. */
export interface ActivityEntry {
  readonly at: string
  readonly kind: 'event' | 'command' | 'connect' | 'disconnect' | 'refused'
  readonly namespace: string
  /** Of the event or command; for a refusal or a goodbye its code. */
  readonly name: string
  readonly userId?: string | undefined
  readonly rooms?: readonly string[] | undefined
  readonly recipients?: number | undefined
  readonly bytes?: number | undefined
  readonly code?: string | undefined
}

export class ActivityTap {
  readonly #watchers = new Set<(entry: ActivityEntry) => void>()

  get isWatched(): boolean {
    return this.#watchers.size > 0
  }

  watch(watcher: (entry: ActivityEntry) => void): () => void {
    this.#watchers.add(watcher)
    return () => this.#watchers.delete(watcher)
  }

  tell(entry: ActivityEntry): void {
    for (const watcher of this.#watchers) watcher(entry)
  }
}

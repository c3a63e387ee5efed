/** What a browser tells of the life of a page. */
export interface Page {
  readonly isVisible: boolean
  /**
   * `shown`: somebody can see it. `away`: it is closed, put away or frozen, and none of its code may run any more.
   * `back`: it runs again.
   */
  watch(listener: (change: PageChange) => void): () => void
}

export type PageChange = 'shown' | 'away' | 'back'

export function browserPage(window: Window, document: Document): Page {
  return {
    get isVisible() {
      return document.visibilityState === 'visible'
    },
    watch(listener) {
      const end = new AbortController()
      const tell = (target: EventTarget, event: string, change: PageChange) =>
        target.addEventListener(
          event,
          () => {
            if (change !== 'shown' || document.visibilityState === 'visible') listener(change)
          },
          end,
        )
      tell(window, 'pagehide', 'away')
      tell(window, 'pageshow', 'back')
      tell(document, 'freeze', 'away')
      tell(document, 'resume', 'back')
      tell(document, 'visibilitychange', 'shown')
      return () => end.abort()
    },
  }
}

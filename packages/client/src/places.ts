/** Where the sessions of a client stand, for the page that comes after this one. */

export interface Place {
  /** The name of the session on the server. */
  readonly pid: string | undefined
  /** Up to where its events were heard. */
  readonly cursor: string | undefined
}

export interface Places {
  /** Where an earlier page of the same user left it, if no other page is there now. */
  take(namespace: string, token: string | undefined): Promise<Place | undefined>
  /** A session was let in. */
  began(namespace: string, place: Place, token: string | undefined): void
  /** Its listeners have heard what was up to there. */
  heard(namespace: string, cursor: string): void
  /** It is over. */
  forget(namespace: string): void
}

/**
 * A step of a module's schema. Steps of all modules run in the order of their ids, each in a transaction of
 * its own. An applied step is never edited: a new one follows it.
 */
export interface Migration {
  /** `0001_create_sign_in_links`: a number that no other migration of the product has, then what it does. */
  readonly id: string
  readonly up: string
  /** Undoes `up`, so that an operator can go back one release. */
  readonly down: string
}

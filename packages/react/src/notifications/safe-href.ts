/**
 * Where a link of a notification may lead: to http and https, and to pages beside the one that is shown. What senders write
 * is not to be believed: `javascript:` and its like would run in the page.
 */
export interface SafeLink {
  readonly href: string
  /** Another origin, which is opened beside the application. */
  readonly isElsewhere: boolean
}

export function safeLink(url: string | undefined, page: string): SafeLink | undefined {
  if (url === undefined || !URL.canParse(url, page)) return undefined
  const { href, protocol, origin } = new URL(url, page)
  if (protocol !== 'https:' && protocol !== 'http:') return undefined
  return { href, isElsewhere: origin !== new URL(page).origin }
}

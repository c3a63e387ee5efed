/**
 * One connection for all tabs of a user. The tabs agree on one of them that holds it; when this one goes, another one
 * takes over. Where the browser does not have what that takes, each tab has its own, as without this option.
 *
 *   createClient({ url, token, tabs: sharedBetweenTabs(user.id) })
 */
import type { MakeLinks } from '../link.ts'
import { createOwnLinks } from '../own-links.ts'
import { browserPage } from './page.ts'
import { createSharedLinks } from './shared-links.ts'
import { onlyOf } from './subject.ts'

/**
 * `user` is the claim `sub` of the tokens. As a function it is asked on first use, and after `close` and `connect`: for
 * clients that outlast a change of users.
 */
export function sharedBetweenTabs(user: string | (() => string)): MakeLinks {
  return (options) => {
    const { BroadcastChannel, document, navigator } = globalThis as Partial<typeof globalThis>
    const locks = navigator?.locks
    if (BroadcastChannel === undefined || document === undefined || locks === undefined)
      return createOwnLinks(options)
    return createSharedLinks(options, {
      user: typeof user === 'string' ? () => user : user,
      locks,
      page: browserPage(window, document),
      newId: () => crypto.randomUUID(),
      makeLinks: (each) => createOwnLinks({ ...options, token: onlyOf(each, options.token) }),
    })
  }
}

/** Which notifications pop up, of those that came in. */
import type { Notification } from '@belfry/contract'

/** More at once is noise. When there are more, the oldest goes, and a critical one last: all of them are in the list. */
export const toastsMax = 3

export function withToast(
  toasts: readonly Notification[],
  notification: Notification,
): readonly Notification[] {
  const all = [...toasts.filter(({ id }) => id !== notification.id), notification]
  if (all.length <= toastsMax) return all
  const leaving = all.find(({ priority }) => priority !== 'critical') ?? all[0]
  return all.filter((each) => each !== leaving)
}

/** What was read or removed meanwhile, here or in another tab, needs no toast. */
export function stillNews(
  toasts: readonly Notification[],
  items: readonly Notification[],
): readonly Notification[] {
  return toasts.filter(({ id }) => items.some((item) => item.id === id && item.readAt === null))
}

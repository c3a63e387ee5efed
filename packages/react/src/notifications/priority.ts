/** The ones that are told apart where they are seen. */
import type { Notification } from '@belfry/contract'

export type Priority = 'critical' | 'high'

/** `undefined`: as most are. */
export function priorityToShow({ priority }: Pick<Notification, 'priority'>): Priority | undefined {
  return priority === 'critical' || priority === 'high' ? priority : undefined
}

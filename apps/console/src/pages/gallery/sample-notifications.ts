/** Notifications as an application might send them. */
import type { Notification } from '@belfry/contract'

const minuteMs = 60_000
const hourMs = 60 * minuteMs

export function sampleNotifications(now: number): readonly Notification[] {
  return [
    sample(now - 20_000, {
      title: 'The database has 4 % of its disk left',
      message: 'Writes stop when it is full. Delete old exports, or give it more room.',
      category: 'operations',
      priority: 'critical',
      actions: [{ id: 'room', label: 'Make room', url: '/database' }],
    }),
    sample(now - 7 * minuteMs, {
      title: 'Bob mentioned you in “Plans for spring”',
      message: 'Could you look at the third paragraph? I am not sure that it says what we want.',
      category: 'posts',
      actions: [
        { id: 'open', label: 'Open the post', url: 'https://app.example.com/posts/17' },
        { id: 'thread', label: 'See the thread', url: 'https://app.example.com/threads/4' },
      ],
    }),
    sample(now - 3 * hourMs, {
      title: 'Your export is ready',
      category: 'exports',
      priority: 'high',
      readAt: new Date(now - hourMs).toISOString(),
    }),
    sample(now - 27 * hourMs, {
      title: 'Notes of Monday’s meeting',
      message: [
        'We keep the date. The texts come first, then the pictures, and the translation begins when both are there.',
        'Cleo looks after the translation, Dan after the pictures. Whoever has questions about the texts asks Eve.',
        'The next meeting is in two weeks, at the same time.',
      ].join('\n'),
      category: 'posts',
      readAt: new Date(now - 26 * hourMs).toISOString(),
    }),
    sample(now - 40 * 24 * hourMs, {
      title: 'Averylongnamewithoutanyplacetobreakwhichsomebodygavetoareportoncebeforetheywentonholiday.pdf',
      category: 'exports',
      priority: 'low',
      readAt: new Date(now - 39 * 24 * hourMs).toISOString(),
    }),
  ]
}

let samples = 0

export function sample(
  createdAt: number,
  notification: Pick<Notification, 'title'> & Partial<Notification>,
): Notification {
  samples += 1
  return {
    id: `00000000-0000-4000-8000-${String(samples).padStart(12, '0')}`,
    type: 'sample',
    category: 'general',
    priority: 'normal',
    message: null,
    data: {},
    actions: [],
    workspaceId: null,
    readAt: null,
    expiresAt: null,
    createdAt: new Date(createdAt).toISOString(),
    ...notification,
  }
}

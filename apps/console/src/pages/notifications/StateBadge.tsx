/** What became of a notification for one user, in a word. */
import type { NotificationState } from '@belfry/contract'
import { Badge, type Tone } from '../../components/Badge.tsx'

const words: Record<NotificationState, { readonly text: string; readonly tone: Tone }> = {
  unread: { text: 'Unread', tone: 'note' },
  read: { text: 'Read', tone: 'well' },
  dismissed: { text: 'Dismissed', tone: 'plain' },
  expired: { text: 'Expired', tone: 'warn' },
}

export const stateChoices: readonly { readonly value: NotificationState; readonly text: string }[] = [
  { value: 'unread', text: words.unread.text },
  { value: 'read', text: words.read.text },
  { value: 'dismissed', text: words.dismissed.text },
  { value: 'expired', text: words.expired.text },
]

export function StateBadge({ state }: { state: NotificationState }) {
  const { text, tone } = words[state]
  return <Badge tone={tone}>{text}</Badge>
}

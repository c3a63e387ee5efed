/** From one view of the page to another. */
import type { ReactNode } from 'react'
import { Link } from '../../router.tsx'

export function DeliveryLink({ id, children }: { id: string; children: ReactNode }) {
  return <Link href={`/notifications?view=sent&id=${encodeURIComponent(id)}`}>{children}</Link>
}

export function InboxLink({ userId }: { userId: string }) {
  return (
    <Link href={`/notifications?view=inbox&user=${encodeURIComponent(userId)}`}>
      <bdi>{userId}</bdi>
    </Link>
  )
}

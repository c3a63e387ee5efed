/** Nothing to show: why, and what to do next. */
import { Bell } from 'lucide-react'
import type { ReactNode } from 'react'
import './empty-state.css'

export function EmptyState({ title, children }: { title: string; children: ReactNode }) {
  return (
    <div className="empty-state">
      <Bell size="1.75rem" strokeWidth={1.5} aria-hidden="true" />
      <p className="empty-state-title">{title}</p>
      <div className="muted">{children}</div>
    </div>
  )
}

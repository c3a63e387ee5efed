/** A state in a word, with a shape of its own: never told by colour alone. */
import { Circle, CircleCheck, CircleDashed, type LucideIcon, OctagonX, TriangleAlert } from 'lucide-react'
import type { ReactNode } from 'react'
import './badge.css'

export type Tone = 'well' | 'warn' | 'bad' | 'note' | 'plain'

const shapes: Record<Tone, LucideIcon> = {
  well: CircleCheck,
  warn: TriangleAlert,
  bad: OctagonX,
  note: CircleDashed,
  plain: Circle,
}

export function Badge({ tone, children }: { tone: Tone; children: ReactNode }) {
  const Shape = shapes[tone]
  return (
    <span className="badge" data-tone={tone}>
      <Shape size="1em" aria-hidden="true" />
      {children}
    </span>
  )
}

/** A sheet with a heading: one matter of a page. */
import { type ReactNode, useId } from 'react'
import './card.css'

interface CardProps {
  readonly title: ReactNode
  readonly actions?: ReactNode
  readonly children: ReactNode
  readonly className?: string
}

export function Card({ title, actions, children, className = '' }: CardProps) {
  const id = useId()
  return (
    <section className={`card ${className}`} aria-labelledby={id}>
      <header className="card-header">
        <h2 id={id}>{title}</h2>
        {actions !== undefined && <div className="card-actions">{actions}</div>}
      </header>
      {children}
    </section>
  )
}

/**
 * The head of a page. Sets the title of the browser's tab, and takes the focus when one came here by a link, so that
 * those who listen hear where they are and the Tab key goes on from here.
 */
import { type ReactNode, useEffect, useRef } from 'react'
import { hasNavigated } from '../router.tsx'
import './page-header.css'

interface PageHeaderProps {
  readonly title: string
  readonly children?: ReactNode
  readonly actions?: ReactNode
}

export function PageHeader({ title, children, actions }: PageHeaderProps) {
  const heading = useRef<HTMLHeadingElement>(null)
  useEffect(() => {
    document.title = `${title} · Belfry`
    if (hasNavigated()) heading.current?.focus({ preventScroll: true })
  }, [title])
  return (
    <header className="page-header">
      <div>
        <h1 ref={heading} tabIndex={-1}>
          {title}
        </h1>
        {children !== undefined && <p>{children}</p>}
      </div>
      {actions !== undefined && <div className="page-header-actions">{actions}</div>}
    </header>
  )
}

/** An address that leads nowhere. */

import { EmptyState } from '../components/EmptyState.tsx'
import { PageHeader } from '../components/PageHeader.tsx'
import { Link, usePlace } from '../router.tsx'

export function NotFound() {
  const { path } = usePlace()
  return (
    <>
      <PageHeader title="Nothing here" />
      <EmptyState title="No page has this address">
        <p>
          <code>{path}</code>
        </p>
        <p>
          Go to the <Link href="/">overview</Link> or to the <Link href="/docs">API reference</Link>.
        </p>
      </EmptyState>
    </>
  )
}

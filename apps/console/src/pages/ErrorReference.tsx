/** Every refusal there is: what it means and what to do. The `type` of an error answer leads here. */
import { type ErrorCode, type ErrorRow, errorCatalogue } from '@belfry/contract'
import { useState } from 'react'
import { Anchor } from '../components/Anchor.tsx'
import { Badge } from '../components/Badge.tsx'
import { EmptyState } from '../components/EmptyState.tsx'
import { PageHeader } from '../components/PageHeader.tsx'
import { SearchField } from '../components/SearchField.tsx'
import { remedies } from '../data/remedies.ts'
import { useQuery } from '../router.tsx'
import { useFragmentTarget } from './fragment.ts'
import '../components/code-block.css'
import '../components/status.css'
import './error-reference.css'

const rows = Object.entries(errorCatalogue) as readonly (readonly [ErrorCode, ErrorRow])[]

export function ErrorReference() {
  const [search, setSearch] = useQuery('q')
  const wanted = search.trim().toLowerCase()
  const shown = rows.filter(([code, row]) =>
    `${code} ${row.status} ${row.sentence}`.toLowerCase().includes(wanted),
  )
  const target = useFragmentTarget(true)
  return (
    <>
      <PageHeader
        title="Errors"
        actions={<SearchField label="Search the errors" value={search} onChange={setSearch} />}
      >
        A refusal changes nothing and is always answered in the same form: a code, a sentence, and whether the
        same request may succeed later.
      </PageHeader>
      <ShapeOfARefusal />
      {shown.length === 0 && (
        <EmptyState title="No error matches">
          The code may come from a proxy in front of Belfry, or from a newer version.
        </EmptyState>
      )}
      <ul className="error-rows">
        {shown.map(([code, row]) => (
          <li key={code} id={code} tabIndex={-1} className="error-row" data-target={target === code}>
            <h2>
              <code>{code}</code>
              <Anchor href={`/docs/errors#${code}`} of={code} />
            </h2>
            <p className="error-row-marks">
              <span className="status figures">HTTP {row.status}</span>
              {row.retry ? (
                <Badge tone="note">retry may help</Badge>
              ) : (
                <Badge tone="plain">retry will not help</Badge>
              )}
            </p>
            <div>
              <p>{row.sentence}</p>
              <p className="muted">{remedies[code]}</p>
            </div>
          </li>
        ))}
      </ul>
    </>
  )
}

const example = `HTTP/1.1 503 Service Unavailable
content-type: application/problem+json

{
  "type": "/docs/errors#database_unavailable",
  "title": "Service Unavailable",
  "status": 503,
  "code": "database_unavailable",
  "detail": "${errorCatalogue.database_unavailable.sentence}",
  "retry": true,
  "requestId": "req-1f"
}`

/** Folded away: whoever comes with a code wants the code. */
function ShapeOfARefusal() {
  const [open, setOpen] = useState(false)
  return (
    <details className="fold" open={open} onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>What a refusal looks like on the wire</summary>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: long lines are scrolled with the keyboard, too */}
      <pre className="code-block" tabIndex={0}>
        {example}
      </pre>
    </details>
  )
}

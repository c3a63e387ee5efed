/** What went wrong, in a sentence; what to do about it; and what to quote when asking somebody. */
import { OctagonX, RefreshCw } from 'lucide-react'
import type { ReactNode } from 'react'
import type { Failure } from '../data/api.ts'
import { remedies } from '../data/remedies.ts'
import { Link } from '../router.tsx'
import { Button } from './Button.tsx'
import { CopyButton } from './CopyButton.tsx'
import './error-notice.css'

interface ErrorNoticeProps {
  /** What could not be done: "The settings could not be read". */
  readonly title: string
  readonly failure: Failure
  readonly onRetry?: () => void
  readonly children?: ReactNode
}

export function ErrorNotice({ title, failure, onRetry, children }: ErrorNoticeProps) {
  // A server that is newer than this page may know codes that the page does not.
  const remedy: string | undefined = remedies[failure.code]
  const catalogued = failure.code !== 'unreachable' && failure.code !== 'unreadable'
  return (
    <div className="error-notice" role="alert">
      <OctagonX size="1.375rem" aria-hidden="true" />
      <div>
        <p className="error-notice-title">{title}</p>
        <p>
          {failure.sentence}
          {remedy !== undefined && ` ${remedy}`}
          {failure.retryAfterSeconds !== undefined &&
            ` The server asks to wait ${failure.retryAfterSeconds} s.`}
        </p>
        {failure.fields !== undefined && failure.fields.length > 0 && (
          <ul className="error-notice-fields">
            {failure.fields.map((field) => (
              <li key={field.path}>
                <code>{field.path}</code> {field.message}
              </li>
            ))}
          </ul>
        )}
        {children}
        <div className="error-notice-foot">
          {onRetry !== undefined && (
            <Button icon={<RefreshCw size="0.9375rem" aria-hidden="true" />} onClick={onRetry}>
              Try again
            </Button>
          )}
          <span className="error-notice-code">
            {catalogued ? (
              <Link href={`/docs/errors#${failure.code}`}>
                <code>{failure.code}</code>
              </Link>
            ) : (
              <code>{failure.code}</code>
            )}
            {failure.status !== undefined && ` · HTTP ${failure.status}`}
          </span>
          {failure.requestId !== undefined && (
            <span className="error-notice-code">
              request <code>{failure.requestId}</code>
              <CopyButton text={failure.requestId} label="Copy request id" />
            </span>
          )}
        </div>
      </div>
    </div>
  )
}

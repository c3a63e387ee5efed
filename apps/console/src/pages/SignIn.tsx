/** The door: lets a sign-in link in, and says where to get one. */
import { LoaderCircle } from 'lucide-react'
import { useEffect } from 'react'
import { CopyButton } from '../components/CopyButton.tsx'
import { ErrorNotice } from '../components/ErrorNotice.tsx'
import { PageHeader } from '../components/PageHeader.tsx'
import { checkSession, type SessionState, session } from '../data/session.ts'
import { useStore } from '../data/store.ts'
import { Logo } from '../design/Logo.tsx'
import { Link } from '../router.tsx'
import '../shell/threshold.css'

const command = 'belfry link'

export function SignIn() {
  const current = useStore(session)
  // Signing in happens in another tab when the link is opened from a terminal: go on here when one comes back.
  useEffect(() => {
    const look = (): void => {
      if (document.visibilityState === 'visible') void checkSession()
    }
    document.addEventListener('visibilitychange', look)
    return () => document.removeEventListener('visibilitychange', look)
  }, [])
  return (
    <main className="threshold">
      <div className="threshold-arch" />
      <div className="threshold-card">
        <Logo size="4.5rem" />
        <PageHeader title="Belfry">{greeting(current)}</PageHeader>
        {current.state === 'refused' && (
          <ErrorNotice
            title={current.retry === undefined ? 'This link does not work' : 'You are not signed in yet'}
            failure={current.failure}
            {...(current.retry === undefined ? {} : { onRetry: current.retry })}
          />
        )}
        {current.state === 'unknown' && (
          <ErrorNotice
            title="Belfry does not answer"
            failure={current.failure}
            onRetry={() => void checkSession()}
          />
        )}
        {current.state === 'signing-in' ? (
          <output className="threshold-sheet threshold-wait">
            <LoaderCircle size="1.125rem" aria-hidden="true" />
            Checking your link…
          </output>
        ) : (
          <Steps />
        )}
        <nav className="threshold-foot" aria-label="Without signing in">
          <Link href="/docs">API reference</Link>
          <Link href="/docs/errors">Error codes</Link>
        </nav>
      </div>
    </main>
  )
}

function Steps() {
  return (
    <div className="threshold-sheet">
      <h2>Sign in with a link</h2>
      <ol className="threshold-steps">
        <li>
          <div>
            <p>On the machine where the server runs:</p>
            <div className="command">
              <code>{command}</code>
              <CopyButton text={command} label="Copy the command" />
            </div>
          </div>
        </li>
        <li>
          <div>
            <p>Open the link it prints in this browser.</p>
            <p className="muted">It works once. There is no password to remember.</p>
          </div>
        </li>
      </ol>
    </div>
  )
}

function greeting(current: SessionState): string {
  if (current.state === 'signing-in') return 'One moment.'
  if (current.state !== 'signed-out') return 'The operator’s console.'
  if (current.why === 'left') return 'You are signed out.'
  if (current.why === 'ended') return 'Your session ended. Sign in again to go on where you were.'
  return 'The operator’s console.'
}

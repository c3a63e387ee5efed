/** The console was opened, but the server does not say who we are: told, and tried again by itself. */
import { useEffect } from 'react'
import { ErrorNotice } from '../components/ErrorNotice.tsx'
import { PageHeader } from '../components/PageHeader.tsx'
import type { Failure } from '../data/api.ts'
import { checkSession } from '../data/session.ts'
import { Logo } from '../design/Logo.tsx'
import './threshold.css'

const againMs = 5_000

export function Unreachable({ failure }: { failure: Failure }) {
  useEffect(() => {
    const timer = setInterval(() => void checkSession(), againMs)
    return () => clearInterval(timer)
  }, [])
  return (
    <main className="threshold">
      <div className="threshold-arch" />
      <div className="threshold-card">
        <Logo size="3.5rem" />
        <PageHeader title="Belfry does not answer">The console tries again every few seconds.</PageHeader>
        <ErrorNotice
          title="Nobody could be signed in"
          failure={failure}
          onRetry={() => void checkSession()}
        />
      </div>
    </main>
  )
}

/** What stands around every page: the tower with the navigation, and at its foot who is signed in. */
import { type ReactNode, useCallback, useState } from 'react'
import { session } from '../data/session.ts'
import { useStore } from '../data/store.ts'
import { Logo } from '../design/Logo.tsx'
import { Link, usePlace } from '../router.tsx'
import { AccountMenu } from './AccountMenu.tsx'
import { type Entry, operatorEntries, referenceEntries } from './navigation.ts'
import { ShortcutSheet } from './ShortcutSheet.tsx'
import { useShortcuts } from './shortcuts.ts'
import './shell.css'

export function Shell({ children }: { children: ReactNode }) {
  const [sheetOpen, setSheetOpen] = useState(false)
  const openSheet = useCallback(() => setSheetOpen(true), [])
  const signedOut = useStore(session).state === 'signed-out'
  useShortcuts(openSheet)
  return (
    <div className="shell">
      <a className="skip-link" href="#content">
        Skip to the content
      </a>
      <div className="tower">
        <header className="tower-face">
          <Link className="tower-name" href={signedOut ? '/docs' : '/'}>
            <Logo size="1.875rem" />
            <span>Belfry</span>
          </Link>
          <nav className="tower-nav" aria-label="Pages">
            {signedOut ? null : <Entries title="Server" entries={operatorEntries} />}
            <Entries title="Reference" entries={referenceEntries} />
          </nav>
          <div className="tower-foot">
            {signedOut && (
              <Link className="tower-sign-in" href="/sign-in">
                Sign in
              </Link>
            )}
            <AccountMenu onShortcuts={openSheet} />
          </div>
        </header>
      </div>
      <main id="content" className="content" tabIndex={-1}>
        {children}
      </main>
      {sheetOpen && <ShortcutSheet signedIn={!signedOut} onClose={() => setSheetOpen(false)} />}
    </div>
  )
}

function Entries({ title, entries }: { title: string; entries: readonly Entry[] }) {
  const { path } = usePlace()
  return (
    <>
      <p className="tower-group" aria-hidden="true">
        {title}
      </p>
      <ul aria-label={title}>
        {entries.map(({ href, title: name, icon: Icon }) => (
          <li key={href}>
            <Link className="tower-link" href={href} aria-current={path === href ? 'page' : undefined}>
              <Icon size="1.1875rem" strokeWidth={1.8} aria-hidden="true" />
              <span>{name}</span>
            </Link>
          </li>
        ))}
      </ul>
    </>
  )
}

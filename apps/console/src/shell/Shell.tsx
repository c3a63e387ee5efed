/** What stands around every page: the tower with the navigation, and at its foot who is signed in. */
import { lazy, type ReactNode, Suspense, useCallback, useState } from 'react'
import { session } from '../data/session.ts'
import { useStore } from '../data/store.ts'
import { Logo } from '../design/Logo.tsx'
import { Link, usePlace } from '../router.tsx'
import { AccountMenu } from './AccountMenu.tsx'
import { MoreMenu } from './MoreMenu.tsx'
import { type Entry, operatorEntries, referenceEntries, serverEntries, socketEntries } from './navigation.ts'
import { useShortcuts } from './shortcuts.ts'
import './shell.css'

const ShortcutSheet = lazy(() =>
  import('./ShortcutSheet.tsx').then(({ ShortcutSheet: sheet }) => ({ default: sheet })),
)

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
          <nav className="tower-nav" aria-label="Pages" data-has-more={!signedOut}>
            {!signedOut && (
              <>
                <Entries title="Server" entries={serverEntries} />
                <Entries title="Sockets" entries={socketEntries} />
              </>
            )}
            <Entries title="Reference" entries={referenceEntries} />
            {!signedOut && (
              <div className="tower-more">
                <MoreMenu entries={underMore} />
              </div>
            )}
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
      <Suspense>
        {sheetOpen && <ShortcutSheet signedIn={!signedOut} onClose={() => setSheetOpen(false)} />}
      </Suspense>
    </div>
  )
}

const underMore = [...operatorEntries, ...referenceEntries].filter((entry) => entry.isUnderMore === true)

function Entries({ title, entries }: { title: string; entries: readonly Entry[] }) {
  const { path } = usePlace()
  return (
    <>
      <p className="tower-group" aria-hidden="true">
        {title}
      </p>
      <ul aria-label={title}>
        {entries.map(({ href, title: name, icon: Icon, isUnderMore = false }) => (
          <li key={href} data-under-more={isUnderMore}>
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

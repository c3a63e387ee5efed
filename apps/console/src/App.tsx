/** Which page is shown: by the address, and by whether one is signed in. */
import { lazy, Suspense, useEffect } from 'react'
import { HintProvider } from './components/Hint.tsx'
import { Skeleton } from './components/Skeleton.tsx'
import { Toasts } from './components/Toasts.tsx'
import { session } from './data/session.ts'
import { useStore } from './data/store.ts'
import { NotFound } from './pages/NotFound.tsx'
import { Overview } from './pages/overview/Overview.tsx'
import { SignIn } from './pages/SignIn.tsx'
import { navigate, usePlace } from './router.tsx'
import { Boundary } from './shell/Boundary.tsx'
import { Shell } from './shell/Shell.tsx'
import { Unreachable } from './shell/Unreachable.tsx'

const Connections = lazy(() =>
  import('./pages/connections/Connections.tsx').then(({ Connections: page }) => ({ default: page })),
)
const Events = lazy(() => import('./pages/events/Events.tsx').then(({ Events: page }) => ({ default: page })))
const Publish = lazy(() =>
  import('./pages/publish/Publish.tsx').then(({ Publish: page }) => ({ default: page })),
)
const Notifications = lazy(() =>
  import('./pages/notifications/Notifications.tsx').then(({ Notifications: page }) => ({ default: page })),
)
const Database = lazy(() => import('./pages/Database.tsx').then(({ Database: page }) => ({ default: page })))
const Settings = lazy(() => import('./pages/Settings.tsx').then(({ Settings: page }) => ({ default: page })))
const ApiReference = lazy(() =>
  import('./pages/api/ApiReference.tsx').then(({ ApiReference: page }) => ({ default: page })),
)
const ErrorReference = lazy(() =>
  import('./pages/ErrorReference.tsx').then(({ ErrorReference: page }) => ({ default: page })),
)
const Gallery = lazy(() =>
  import('./pages/gallery/Gallery.tsx').then(({ Gallery: page }) => ({ default: page })),
)

const operatorPages: Readonly<Record<string, React.ComponentType>> = {
  '/': Overview,
  '/connections': Connections,
  '/events': Events,
  '/publish': Publish,
  '/notifications': Notifications,
  '/database': Database,
  '/settings': Settings,
}

const publicPages: Readonly<Record<string, React.ComponentType>> = {
  '/docs': ApiReference,
  '/docs/errors': ErrorReference,
  '/gallery': Gallery,
}

export function App() {
  return (
    <HintProvider delayDuration={400}>
      <Pages />
      <Toasts />
    </HintProvider>
  )
}

function Pages() {
  const { path, query } = usePlace()
  const current = useStore(session)
  const signedIn = current.state === 'signed-in'
  const OperatorPage = operatorPages[path]
  const Page = publicPages[path] ?? OperatorPage ?? NotFound

  // Where one wanted to go survives signing in.
  const signInFirst =
    OperatorPage !== undefined && (current.state === 'signed-out' || current.state === 'refused')
  const arrived = path === '/sign-in' && signedIn
  useEffect(() => {
    if (signInFirst) {
      const here = `${path}${query === '' ? '' : `?${query}`}`
      navigate(here === '/' ? '/sign-in' : `/sign-in?to=${encodeURIComponent(here)}`, { replace: true })
    }
    if (arrived) navigate(destination(query), { replace: true })
  }, [signInFirst, arrived, path, query])

  if (signInFirst || arrived) return null
  if (path === '/sign-in') return <SignIn />
  if (OperatorPage !== undefined && current.state === 'unknown')
    return <Unreachable failure={current.failure} />
  const waiting = OperatorPage !== undefined && !signedIn
  return (
    <Shell>
      <Boundary key={path}>
        <Suspense fallback={<Skeleton what="the page" heights={['4rem', '20rem']} />}>
          {waiting ? <Skeleton what="the session" heights={['4rem', '20rem']} /> : <Page />}
        </Suspense>
      </Boundary>
    </Shell>
  )
}

/** Only to a page of ours: the address could have been written by anybody. */
function destination(query: string): string {
  const wanted = new URLSearchParams(query).get('to') ?? '/'
  return (wanted.split('?', 1)[0] ?? '') in operatorPages ? wanted : '/'
}

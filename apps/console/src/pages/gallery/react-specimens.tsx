/** The components of `@belfry/react`, each below a client that plays its state. */
import {
  BelfryProvider,
  ConnectionStatus,
  NotificationBell,
  NotificationCentre,
  NotificationList,
  NotificationToasts,
  RelativeTime,
} from '@belfry/react'
import { type ReactNode, useEffect, useState } from 'react'
import type { Specimen } from './Gallery.tsx'
import { sample, sampleNotifications } from './sample-notifications.ts'
import { type Script, scriptedClient } from './scripted-client.ts'
import '@belfry/react/styles.css'

const opened = Date.now()
const samples = sampleNotifications(opened)
const unread = samples.filter(({ readAt }) => readAt === null)

const lineLost = {
  status: 'waiting',
  attempt: 3,
  reason: 'line_lost',
  message: '',
  retryAt: opened + 45_000,
} as const

const german = {
  bell: (count: number) => `Mitteilungen, ${count} ungelesen`,
  notifications: 'Mitteilungen',
  markAllRead: 'Alle als gelesen markieren',
  allCategories: 'Alle',
  filter: 'Kategorie',
  priority: (priority: string) => (priority === 'critical' ? 'Dringend' : 'Wichtig'),
  justNow: 'gerade eben',
}

export const reactSpecimens: readonly Specimen[] = [
  {
    shows: ['NotificationBell'],
    about: 'How many are unread; pressed, it opens the centre.',
    states: [
      { name: 'Nothing unread', shown: played({ list: [] }, <NotificationBell toasts={false} />) },
      { name: 'Some unread', shown: played({ list: samples }, <NotificationBell toasts={false} />) },
      {
        name: 'More than fit',
        shown: played({ list: samples, unread: 128 }, <NotificationBell toasts={false} />),
      },
      { name: 'Not read yet', shown: played({}, <NotificationBell toasts={false} />) },
    ],
  },
  {
    shows: ['NotificationCentre'],
    about: 'What the bell opens; it may also stand on a page of its own.',
    states: [
      { name: 'With older ones', shown: played({ list: samples, hasMore: true }, <NotificationCentre />) },
      { name: 'Nothing there', shown: played({ list: [] }, <NotificationCentre />) },
      { name: 'Being read', shown: played({}, <NotificationCentre />) },
      { name: 'Not readable', shown: played({ refuses: 'list' }, <NotificationCentre />) },
      {
        name: 'Without a connection',
        shown: played({ list: samples.slice(1, 3), connection: lineLost }, <NotificationCentre />),
      },
      { name: 'An action that was refused', shown: <RefusedAction /> },
      {
        name: 'In another language',
        shown: played({ list: samples.slice(0, 3) }, <NotificationCentre />, {
          labels: german,
          locale: 'de',
        }),
      },
    ],
  },
  {
    shows: ['NotificationList'],
    about: 'The list alone, or one category of it.',
    states: [
      { name: 'All', shown: played({ list: samples }, <NotificationList />) },
      { name: 'One category', shown: played({ list: samples }, <NotificationList category="posts" />) },
      {
        name: 'Actions for the application',
        shown: played(
          {
            list: [
              sample(opened, {
                title: 'Cleo asks for access to “Plans”',
                actions: [
                  { id: 'grant', label: 'Grant' },
                  { id: 'refuse', label: 'Refuse' },
                ],
              }),
            ],
          },
          <NotificationList onAction={() => {}} />,
        ),
      },
    ],
  },
  {
    shows: ['NotificationToasts'],
    about: 'What comes in while the page is open. A critical one stays until it is closed.',
    states: [
      { name: 'Critical', shown: <ToastsInPlace incoming={unread.slice(0, 1)} /> },
      { name: 'Two at once', shown: <ToastsInPlace incoming={unread.map(asCritical)} /> },
    ],
  },
  {
    shows: ['ConnectionStatus'],
    about:
      'Whether the page is up to date. Nothing at all for a first connect that takes less than a second.',
    states: [
      { name: 'Online', shown: played({}, <ConnectionStatus />) },
      {
        name: 'Connecting for the first time',
        shown: played(
          { connection: { status: 'connecting', attempt: 1, reason: 'first' } },
          <ConnectionStatus />,
        ),
      },
      {
        name: 'Offline',
        shown: played({ connection: lineLost }, <ConnectionStatus />),
      },
      {
        name: 'Not admitted',
        shown: played(
          {
            connection: {
              status: 'refused',
              code: 'token_expired',
              message: 'The token has expired: fetch a new one.',
            },
          },
          <ConnectionStatus />,
        ),
      },
      { name: 'Signed out', shown: played({ connection: { status: 'closed' } }, <ConnectionStatus />) },
    ],
  },
  {
    shows: ['RelativeTime'],
    about: 'How long ago something was; keeps itself up to date.',
    states: [
      [20_000, 'Seconds'],
      [5 * 60_000, 'Minutes'],
      [3 * 60 * 60_000, 'Hours'],
      [2 * 24 * 60 * 60_000, 'Days'],
      [400 * 24 * 60 * 60_000, 'Longer'],
    ].map(([age, name]) => ({
      name: String(name),
      shown: played({}, <RelativeTime at={new Date(opened - Number(age)).toISOString()} />),
    })),
  },
  {
    shows: ['BelfryProvider'],
    about: 'Says who is signed in, and shows nothing itself. Below one without a token nobody is.',
    states: [
      {
        name: 'Nobody is signed in',
        shown: (
          <BelfryProvider token={undefined}>
            <div className="gallery-row">
              <ConnectionStatus />
              <NotificationBell toasts={false} />
            </div>
          </BelfryProvider>
        ),
      },
    ],
  },
]

interface Texts {
  readonly labels?: object
  readonly locale?: string
}

function played(script: Script, children: ReactNode, texts: Texts = {}) {
  return (
    <Played script={script} texts={texts}>
      {children}
    </Played>
  )
}

function Played({ script, texts, children }: { script: Script; texts: Texts; children: ReactNode }) {
  const [client] = useState(() => scriptedClient(script))
  return (
    <BelfryProvider client={client} {...texts}>
      {children}
    </BelfryProvider>
  )
}

function ToastsInPlace({ incoming }: { incoming: Script['incoming'] & object }) {
  const [place, setPlace] = useState<HTMLElement | null>(null)
  return (
    <div ref={setPlace}>
      {place !== null && played({ list: [], incoming }, <NotificationToasts container={place} />)}
    </div>
  )
}

/** Somebody pressed a button, and the server said no. */
function RefusedAction() {
  const [place, setPlace] = useState<HTMLElement | null>(null)
  useEffect(() => {
    if (place === null) return
    const press = () => {
      const button = place.querySelector<HTMLElement>('.belfry-tool')
      if (button === null) return
      watcher.disconnect()
      button.click()
    }
    const watcher = new MutationObserver(press)
    watcher.observe(place, { childList: true, subtree: true })
    press()
    return () => watcher.disconnect()
  }, [place])
  return (
    <div ref={setPlace}>
      {played({ list: samples.slice(1, 3), refuses: 'actions' }, <NotificationCentre />)}
    </div>
  )
}

function asCritical(notification: (typeof samples)[number]) {
  return { ...notification, priority: 'critical' as const }
}

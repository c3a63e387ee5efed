/** What a server renders of an application, and a page takes over: every component, before anybody is connected. */
import {
  BelfryProvider,
  ConnectionStatus,
  NotificationBell,
  NotificationCentre,
  NotificationList,
  RelativeTime,
} from '@belfry/react'
import { StrictMode } from 'react'

export function AppPage() {
  return (
    <StrictMode>
      <BelfryProvider token={() => fetch('/test/token?user=ana').then((answer) => answer.text())}>
        <ConnectionStatus />
        <NotificationBell />
        <NotificationCentre />
        <NotificationList />
        <RelativeTime at="2026-01-31T09:30:00.000Z" />
      </BelfryProvider>
    </StrictMode>
  )
}

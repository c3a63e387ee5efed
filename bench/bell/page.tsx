/** The page that the bench looks at: a bell, as an application has it. */
import { BelfryProvider, ConnectionStatus, NotificationBell } from '@belfry/react'
import { createRoot } from 'react-dom/client'

const { tokens } = window as unknown as { tokens: { ana: string } }

createRoot(document.getElementById('root') as HTMLElement).render(
  <BelfryProvider token={tokens.ana}>
    <ConnectionStatus />
    <NotificationBell />
  </BelfryProvider>,
)

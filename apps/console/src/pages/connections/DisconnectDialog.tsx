/** Asks once more before somebody is sent away, and names whom. */
import type { ConnectionsView } from '@belfry/contract'
import { useState } from 'react'
import { Button } from '../../components/Button.tsx'
import { Dialog } from '../../components/Dialog.tsx'
import { ErrorNotice } from '../../components/ErrorNotice.tsx'
import { type Failure, failureFrom } from '../../data/api.ts'
import { useResource } from '../../data/resource.ts'
import { isSignedOut, sessionEnded } from '../../data/session.ts'
import { toast } from '../../data/toasts.ts'
import { dateTime, number, plural } from '../../format.ts'
import { transports } from './ConnectionTable.tsx'
import { disconnect, nameOf, namesOf, type Target } from './disconnect.ts'

interface DisconnectDialogProps {
  readonly target: Target
  readonly onClose: () => void
  /** They were told to go, or were gone already. */
  readonly onDone: () => void
}

export function DisconnectDialog({ target, onClose, onDone }: DisconnectDialogProps) {
  const [failure, setFailure] = useState<Failure>()
  const [isBusy, setBusy] = useState(false)
  const whom = target.by === 'user' ? nameOf(target.user) : namesOf(target.connection)

  const confirm = async (): Promise<void> => {
    if (isBusy) return
    setBusy(true)
    setFailure(undefined)
    try {
      const sessions = await disconnect(target)
      toast(
        sessions === 0
          ? `${whom || 'The client'} was gone already.`
          : `${whom} was disconnected: ${plural(sessions, 'session')} ended.`,
      )
      onDone()
    } catch (thrown) {
      if (isSignedOut(thrown)) sessionEnded()
      setFailure(failureFrom(thrown))
      setBusy(false)
    }
  }

  const title =
    target.by === 'user' ? `Disconnect everything of ${whom}?` : `Disconnect ${whom || 'this client'}?`
  return (
    <Dialog title={title} onClose={onClose}>
      <div className="dialog-text">
        {target.by === 'user' ? (
          <OfUser id={target.user.id} />
        ) : (
          <p>
            One {transports[target.connection.transport]} connection from{' '}
            <bdi>{target.connection.address}</bdi>, open since {dateTime(target.connection.openedAt)}, with{' '}
            {plural(target.connection.sessions.length, 'session')}.
          </p>
        )}
        <p>
          Clients are told why with <code>session:closing</code>, and stay away until their application
          connects again. To keep somebody out, take away their token.
        </p>
        {failure !== undefined && <ErrorNotice title="Nobody was disconnected" failure={failure} />}
      </div>
      <div className="dialog-foot">
        <Button onClick={onClose}>Cancel</Button>
        <Button look="strong" aria-disabled={isBusy} onClick={() => void confirm()}>
          {isBusy ? 'Disconnecting…' : 'Disconnect'}
        </Button>
      </div>
    </Dialog>
  )
}

/** The most that the server lists at once. */
const listedMax = 200

function OfUser({ id }: { id: string }) {
  const query = new URLSearchParams({ userId: id, limit: String(listedMax) })
  const { value, failure } = useResource<ConnectionsView>(`/api/v1/socket/connections?${query}`)
  if (failure !== undefined) return <p>All connections of this user.</p>
  if (value === undefined) return <p className="muted">Counting the connections…</p>
  const found = value.connections.length
  return (
    <p>
      {value.nextCursor === null ? plural(found, 'connection') : `More than ${number(found)} connections`} of
      this user, on all namespaces.
    </p>
  )
}

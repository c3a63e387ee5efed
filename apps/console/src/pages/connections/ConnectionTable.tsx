/** One line for each connection; a click on its user shows the rest of it below. */
import type { ConnectionView } from '@belfry/contract'
import { ChevronRight, Unplug } from 'lucide-react'
import { useId, useState } from 'react'
import { IconButton } from '../../components/Button.tsx'
import { type Column, Table } from '../../components/Table.tsx'
import { dateTime, roundTripText, shortTime, sizeText } from '../../format.ts'
import { ConnectionDetails } from './ConnectionDetails.tsx'
import { namesOf, type Target, usersOf } from './disconnect.ts'

interface ConnectionTableProps {
  readonly connections: readonly ConnectionView[]
  /** Were told to go; they are shown until the list is read again. */
  readonly ended: ReadonlySet<string>
  readonly onDisconnect: (target: Target) => void
  /** Absent: the list is of one user already. */
  readonly onShowOnly: ((userId: string) => void) | undefined
}

export const transports: Record<ConnectionView['transport'], string> = {
  websocket: 'WebSocket',
  polling: 'Polling',
}

export function ConnectionTable({ connections, ended, onDisconnect, onShowOnly }: ConnectionTableProps) {
  const [open, setOpen] = useState<string>()
  const details = useId()
  const columns: readonly Column<ConnectionView>[] = [
    {
      key: 'user',
      title: 'User',
      heads: true,
      cell: (connection) => (
        <button
          type="button"
          className="row-toggle"
          aria-expanded={open === connection.id}
          aria-controls={open === connection.id ? details : undefined}
          onClick={() => setOpen(open === connection.id ? undefined : connection.id)}
        >
          <ChevronRight className="row-toggle-mark" size="0.9375rem" aria-hidden="true" />
          <Users connection={connection} />
          <span className="visually-hidden">details</span>
        </button>
      ),
    },
    {
      key: 'name',
      title: 'Name',
      cell: (connection) => <Name connection={connection} />,
    },
    { key: 'namespaces', title: 'Namespaces', cell: (connection) => <Namespaces connection={connection} /> },
    {
      key: 'transport',
      title: 'Transport',
      // In the place of what it had, so that the row does not grow and push away those below it.
      cell: ({ id, transport }) => (ended.has(id) ? 'Disconnected' : transports[transport]),
    },
    { key: 'address', title: 'Address', cell: ({ address }) => <bdi>{address}</bdi> },
    {
      key: 'since',
      title: 'Since',
      cell: ({ openedAt }) => (
        <time className="figures" dateTime={openedAt} title={dateTime(openedAt)}>
          {shortTime(openedAt)}
        </time>
      ),
    },
    {
      key: 'round-trip',
      title: 'Round trip',
      kind: 'figures',
      cell: ({ roundTripMs }) => (roundTripMs === null ? '–' : roundTripText(roundTripMs)),
    },
    {
      key: 'queued',
      title: 'Queued',
      kind: 'figures',
      cell: ({ queuedBytes }) => sizeText(queuedBytes),
    },
    {
      key: 'disconnect',
      title: 'Disconnect',
      isUntitled: true,
      cell: (connection) => (
        <IconButton
          label={`Disconnect ${namesOf(connection) || 'this connection'}`}
          icon={<Unplug size="1rem" aria-hidden="true" />}
          // It stays where it is, for the focus comes back to it. What is ended are sessions.
          aria-disabled={ended.has(connection.id) || connection.sessions.length === 0}
          onClick={() => {
            if (ended.has(connection.id) || connection.sessions.length === 0) return
            onDisconnect({ by: 'connection', connection })
          }}
        />
      ),
    },
  ]
  return (
    <Table
      caption="Connections, in the order in which they came"
      columns={columns}
      rows={connections}
      keyOf={({ id }) => id}
      className="connections-table"
      stateOf={({ id }) => `${ended.has(id) ? 'ended' : ''} ${open === id ? 'open' : ''}`}
      below={(connection) =>
        open === connection.id ? (
          <ConnectionDetails
            id={details}
            connection={connection}
            isEnded={ended.has(connection.id)}
            onDisconnect={onDisconnect}
            onShowOnly={onShowOnly}
          />
        ) : undefined
      }
    />
  )
}

function Users({ connection }: { connection: ConnectionView }) {
  const users = usersOf(connection)
  if (users.length === 0) return <span className="muted">nobody yet</span>
  return <bdi>{users.map(({ id }) => id).join(', ')}</bdi>
}

function Name({ connection }: { connection: ConnectionView }) {
  const names = usersOf(connection).flatMap(({ name }) => name ?? [])
  return names.length === 0 ? <span className="muted">–</span> : <bdi>{names.join(', ')}</bdi>
}

/** Beyond this the rest is counted: the details name them all. */
const namespacesShown = 3

function Namespaces({ connection: { sessions } }: { connection: ConnectionView }) {
  const names = sessions.map(({ namespace }) => namespace)
  if (names.length === 0) return <span className="muted">none yet</span>
  const more = names.length - namespacesShown
  return (
    <span>
      {names.slice(0, namespacesShown).map((name, index) => (
        <span key={name}>
          {index > 0 && ', '}
          <code>{name}</code>
        </span>
      ))}
      {more > 0 && ` and ${more} more`}
    </span>
  )
}

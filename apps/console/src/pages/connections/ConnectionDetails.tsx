/** Everything that is known of one connection: the client behind it, its sessions and their rooms. */
import type { ConnectionView } from '@belfry/contract'
import { Button } from '../../components/Button.tsx'
import { CopyButton } from '../../components/CopyButton.tsx'
import { dateTime, number, plural, sizeText } from '../../format.ts'
import { nameOf, type Target, type User, usersOf } from './disconnect.ts'

interface ConnectionDetailsProps {
  readonly id: string
  readonly connection: ConnectionView
  readonly isEnded: boolean
  readonly onDisconnect: (target: Target) => void
  readonly onShowOnly: ((userId: string) => void) | undefined
}

type Session = ConnectionView['sessions'][number]

export function ConnectionDetails(props: ConnectionDetailsProps) {
  const { id, connection, isEnded, onDisconnect, onShowOnly } = props
  return (
    <section className="connection-details" id={id} aria-label="Details of the connection">
      <dl className="connection-facts">
        <div>
          <dt>Connection</dt>
          <dd>
            <code>{connection.id}</code>
            <CopyButton text={connection.id} label="Copy the id of the connection" />
          </dd>
        </div>
        <div>
          <dt>Client</dt>
          <dd>
            {connection.userAgent === '' ? 'says nothing of itself' : <bdi>{connection.userAgent}</bdi>}
          </dd>
        </div>
        <div>
          <dt>Address</dt>
          <dd>
            <bdi>{connection.address}</bdi>
          </dd>
        </div>
        <div>
          <dt>Queued</dt>
          <dd className="figures">{sizeText(connection.queuedBytes)}</dd>
        </div>
        <div>
          <dt>Open since</dt>
          <dd className="figures">{dateTime(connection.openedAt)}</dd>
        </div>
      </dl>
      {connection.sessions.length === 0 && (
        <p className="muted">No session yet: the client has not asked for a namespace, or has left all.</p>
      )}
      <ul className="connection-sessions">
        {connection.sessions.map((session) => (
          <SessionLine key={session.id} session={session} />
        ))}
      </ul>
      <div className="connection-actions">
        {usersOf(connection).map((user) => (
          <UserActions
            key={user.id}
            user={user}
            isEnded={isEnded}
            onDisconnect={onDisconnect}
            onShowOnly={onShowOnly}
          />
        ))}
      </div>
    </section>
  )
}

function SessionLine({ session }: { session: Session }) {
  const { namespace, userId, name, rooms, roomCount } = session
  const more = roomCount - rooms.length
  return (
    <li>
      <p>
        <code className="connection-namespace">{namespace}</code> as <bdi>{nameOf({ id: userId, name })}</bdi>
        <span className="muted">
          , session <code>{session.id}</code>, {plural(roomCount, 'room')}
        </span>
      </p>
      <ul className="connection-rooms">
        {rooms.map((room) => (
          <li key={room}>
            <code dir="auto">{room}</code>
          </li>
        ))}
        {more > 0 && <li className="muted">and {number(more)} more</li>}
      </ul>
    </li>
  )
}

interface UserActionsProps {
  readonly user: User
  readonly isEnded: boolean
  readonly onDisconnect: (target: Target) => void
  readonly onShowOnly: ((userId: string) => void) | undefined
}

function UserActions({ user, isEnded, onDisconnect, onShowOnly }: UserActionsProps) {
  return (
    <>
      {onShowOnly !== undefined && (
        <Button onClick={() => onShowOnly(user.id)}>
          <span>
            Show only <bdi>{user.id}</bdi>
          </span>
        </Button>
      )}
      <Button
        aria-disabled={isEnded}
        onClick={() => {
          if (!isEnded) onDisconnect({ by: 'user', user })
        }}
      >
        <span>
          Disconnect all of <bdi>{user.id}</bdi>
        </span>
      </Button>
    </>
  )
}

/** Which event, and to whom. */
import { useId } from 'react'
import { Badge } from '../../components/Badge.tsx'
import { Card } from '../../components/Card.tsx'
import { FieldError } from '../../components/Field.tsx'
import { Segments } from '../../components/Segments.tsx'
import type { PublishableNamespace } from './Composer.tsx'
import type { PublishableEvent } from './drafts.ts'
import { type Audience, audiencesOf, roomKindsOf, type Target } from './target.ts'

interface TargetFieldsProps {
  readonly namespaces: readonly PublishableNamespace[]
  readonly namespace: PublishableNamespace
  readonly event: PublishableEvent
  readonly target: Target
  readonly error: string | undefined
  readonly onNamespace: (next: string) => void
  readonly onEvent: (next: string) => void
  readonly onTarget: (next: Target) => void
}

const audiences: Record<Audience, string> = {
  everyone: 'Everybody',
  workspace: 'Workspace',
  user: 'User',
  room: 'Room',
}

const lanes: Record<PublishableEvent['lane'], string> = {
  stream: 'in order, nothing left out',
  latest: 'the newest value of each key',
  pulse: 'may be lost',
}

export function TargetFields(props: TargetFieldsProps) {
  const { namespaces, namespace, event, target, error, onNamespace, onEvent, onTarget } = props
  const id = useId()
  return (
    <Card title="Event">
      <div className="fields">
        <div className="field-pair">
          <div className="field">
            <label className="field-head" htmlFor={`${id}-namespace`}>
              Namespace
            </label>
            <select
              id={`${id}-namespace`}
              className="select"
              value={namespace.name}
              onChange={(change) => onNamespace(change.target.value)}
            >
              {namespaces.map(({ name }) => (
                <option key={name}>{name}</option>
              ))}
            </select>
          </div>
          <div className="field">
            <label className="field-head" htmlFor={`${id}-event`}>
              Event
            </label>
            <select
              id={`${id}-event`}
              className="select"
              value={event.name}
              aria-describedby={`${id}-summary`}
              onChange={(change) => onEvent(change.target.value)}
            >
              {namespace.events.map(({ name }) => (
                <option key={name}>{name}</option>
              ))}
            </select>
          </div>
        </div>
        <p id={`${id}-summary`} className="publish-summary">
          <span>{event.summary}</span>
          <Badge tone="note">
            {event.lane}: {lanes[event.lane]}
          </Badge>
        </p>
        <Whom id={id} rooms={event.rooms} target={target} error={error} onTarget={onTarget} />
      </div>
    </Card>
  )
}

interface WhomProps {
  readonly id: string
  readonly rooms: readonly string[]
  readonly target: Target
  readonly error: string | undefined
  readonly onTarget: (next: Target) => void
}

function Whom({ id, rooms, target, error, onTarget }: WhomProps) {
  const allowed = audiencesOf(rooms)
  if (allowed.length === 0) {
    return <p className="muted">This event is for no room: only the server itself sends it.</p>
  }
  const described = error === undefined ? {} : { 'aria-describedby': `${id}-error`, 'aria-invalid': true }
  return (
    <div className="field" data-wrong={error !== undefined}>
      <div className="publish-whom">
        {allowed.length > 1 && (
          <Segments
            label="To whom"
            options={allowed.map((value) => ({ value, text: audiences[value] }))}
            value={target.audience}
            onChange={(audience) => onTarget({ ...target, audience, id: '' })}
          />
        )}
        {target.audience === 'room' && (
          <select
            className="select"
            aria-label="Kind of room"
            value={target.kind}
            onChange={(change) => onTarget({ ...target, kind: change.target.value })}
          >
            {roomKindsOf(rooms).map((kind) => (
              <option key={kind}>{kind}</option>
            ))}
          </select>
        )}
        {target.audience !== 'everyone' && (
          <input
            type="text"
            className="field-input"
            aria-label={`Id of the ${target.audience}`}
            placeholder={`Id of the ${target.audience}`}
            autoComplete="off"
            autoCapitalize="off"
            spellCheck={false}
            dir="auto"
            {...described}
            value={target.id}
            onChange={(change) => onTarget({ ...target, id: change.target.value })}
          />
        )}
      </div>
      <FieldError id={`${id}-error`} error={error} />
    </div>
  )
}

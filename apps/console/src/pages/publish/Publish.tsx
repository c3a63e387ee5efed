/** Publishes an event by hand: which one, to whom, with what, and how many it reached. */
import type { PublishableEvents } from '@belfry/contract'
import { EmptyState } from '../../components/EmptyState.tsx'
import { ErrorNotice } from '../../components/ErrorNotice.tsx'
import { PageHeader } from '../../components/PageHeader.tsx'
import { Skeleton } from '../../components/Skeleton.tsx'
import { useActivityInBackground } from '../../data/activity.ts'
import { useResource } from '../../data/resource.ts'
import { Link, useQuery } from '../../router.tsx'
import { Composer } from './Composer.tsx'
import { keyOf } from './drafts.ts'
import './publish.css'

/** What an operator has to say goes to people here, and the server takes it where none is named. */
const usualNamespace = '/realtime'

export function Publish() {
  const { value, failure, loading, reload } = useResource<PublishableEvents>('/api/v1/socket/events')
  // Whoever publishes and then looks at the log finds it there.
  useActivityInBackground()
  return (
    <>
      <PageHeader title="Publish">
        Sends an event to clients by hand. What was sent cannot be taken back.
      </PageHeader>
      {failure !== undefined && (
        <ErrorNotice title="The events could not be read" failure={failure} onRetry={reload} />
      )}
      {value !== undefined ? (
        <>
          <Chosen namespaces={publishable(value)} />
          <ByServer namespaces={value.namespaces} />
        </>
      ) : (
        loading && <Skeleton what="the events" heights={['10rem', '20rem']} />
      )}
    </>
  )
}

function publishable({ namespaces }: PublishableEvents): PublishableEvents['namespaces'] {
  return namespaces.map((namespace) => ({
    ...namespace,
    events: namespace.events.filter(({ by }) => by === 'anybody'),
  }))
}

/** Whoever looks for an event that is missing above finds it here, and what to do instead. */
function ByServer({ namespaces }: { namespaces: PublishableEvents['namespaces'] }) {
  const events = namespaces.flatMap((namespace) => namespace.events).filter(({ by }) => by === 'server')
  if (events.length === 0) return null
  return (
    <p className="muted publish-by-server">
      Published by the server alone, when it has done what they tell:{' '}
      {events.map(({ name }, index) => (
        <span key={name}>
          {index > 0 && ', '}
          <code dir="auto">{name}</code>
        </span>
      ))}
      . To notify people, <Link href="/notifications">compose a notification</Link>.
    </p>
  )
}

function Chosen({ namespaces }: { namespaces: PublishableEvents['namespaces'] }) {
  const [askedNamespace, setNamespace] = useQuery('namespace')
  const [askedEvent, setEvent] = useQuery('event')
  const choices = namespaces.filter(({ events }) => events.length > 0)
  const named = (wanted: string | undefined) => choices.find(({ name }) => name === wanted)
  const namespace = named(askedNamespace) ?? named(usualNamespace) ?? choices[0]
  const event = namespace?.events.find(({ name }) => name === askedEvent) ?? namespace?.events[0]
  if (namespace === undefined || event === undefined)
    return <EmptyState title="No events">No module of this server has events to publish.</EmptyState>
  return (
    <Composer
      key={keyOf(namespace.name, event)}
      namespaces={choices}
      namespace={namespace}
      event={event}
      onNamespace={setNamespace}
      onEvent={setEvent}
    />
  )
}

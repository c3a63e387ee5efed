/** Notifications as operators have to do with them: write one, see what became of those that were sent, look into an inbox. */
import { LiveControl } from '../../components/LiveControl.tsx'
import { PageHeader } from '../../components/PageHeader.tsx'
import { Segments } from '../../components/Segments.tsx'
import { useQuery } from '../../router.tsx'
import { Composer } from './Composer.tsx'
import { Delivery } from './Delivery.tsx'
import { Inbox } from './Inbox.tsx'
import { Sent } from './Sent.tsx'
import './notifications.css'

const views = [
  { value: 'compose', text: 'Compose' },
  { value: 'sent', text: 'Sent' },
  { value: 'inbox', text: 'Inbox' },
] as const

export function Notifications() {
  const [asked, setView] = useQuery('view')
  const [id, setId] = useQuery('id')
  const view = views.find(({ value }) => value === asked)?.value ?? 'compose'
  return (
    <>
      <PageHeader title="Notifications" actions={view !== 'compose' && <LiveControl />}>
        What concerns one person: sent by hand, and seen as it arrived. Nothing here acts in the name of a
        user.
      </PageHeader>
      <div>
        <Segments
          label="View"
          options={views}
          value={view}
          onChange={(next) => {
            if (id !== '') setId('')
            setView(next === 'compose' ? '' : next)
          }}
        />
      </div>
      {view === 'compose' && <Composer />}
      {view === 'sent' && (id === '' ? <Sent /> : <Delivery key={id} id={id} />)}
      {view === 'inbox' && <Inbox />}
    </>
  )
}

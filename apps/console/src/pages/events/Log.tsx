/** The log: the newest entry first, filtered by kind, namespace and text, with a mark wherever something is missing. */
import type { EventCounts } from '@belfry/contract'
import { Eraser } from 'lucide-react'
import { useDeferredValue, useMemo } from 'react'
import { Button, IconButton } from '../../components/Button.tsx'
import { EmptyState } from '../../components/EmptyState.tsx'
import { SearchField } from '../../components/SearchField.tsx'
import { Segments } from '../../components/Segments.tsx'
import { Select } from '../../components/Select.tsx'
import { type ActivityLog, clearActivity, type LogRow, logRowsMax } from '../../data/activity.ts'
import { setPaused } from '../../data/live.ts'
import { number, plural } from '../../format.ts'
import { useQuery } from '../../router.tsx'
import { LogTable } from './LogTable.tsx'
import '../../components/sheet.css'

const kinds = [
  { value: 'all', text: 'All' },
  { value: 'event', text: 'Events' },
  { value: 'command', text: 'Commands' },
  { value: 'connect', text: 'Connects' },
  { value: 'disconnect', text: 'Disconnects' },
  { value: 'refused', text: 'Refusals' },
] as const

export function Log({ log, counts }: { log: ActivityLog; counts: EventCounts | undefined }) {
  const [askedKind, setKind] = useQuery('kind')
  const [namespace, setNamespace] = useQuery('namespace')
  const [search, setSearch] = useQuery('q')
  const kind = kinds.find(({ value }) => value === askedKind)?.value ?? 'all'
  const text = useDeferredValue(search).trim().toLowerCase()
  const matches = useMemo(() => matcher(kind, namespace, text), [kind, namespace, text])
  const rows = useMemo(() => log.rows.filter(matches), [log.rows, matches])
  const waiting = useMemo(() => log.waiting.filter(matches).length, [log.waiting, matches])
  const isFiltered = kind !== 'all' || namespace !== '' || text !== ''
  const namespaces = namespacesOf(counts, log.rows, namespace)
  const showAll = (): void => {
    setKind('')
    setNamespace('')
    setSearch('')
  }
  return (
    <section className="log" aria-labelledby="log-title">
      <h2 id="log-title" className="visually-hidden">
        Log
      </h2>
      <div className="log-tools">
        <SearchField label="Search the log" value={search} onChange={setSearch} />
        <Select
          label="Namespace"
          value={namespace}
          options={[
            { value: '', text: 'All namespaces' },
            ...namespaces.map((name) => ({ value: name, text: name })),
          ]}
          onChange={setNamespace}
        />
        <Segments
          label="Kind"
          options={kinds}
          value={kind}
          onChange={(next) => setKind(next === 'all' ? '' : next)}
        />
      </div>
      <div className="sheet log-sheet">
        <div className="log-head">
          <span className="muted figures">{sizeText(log, rows.length, isFiltered)}</span>
          <span className="log-new">
            {waiting > 0 && (
              <Button onClick={() => setPaused(false)}>
                <span className="figures">
                  {waiting >= logRowsMax ? `${number(logRowsMax)} or more` : number(waiting)} new
                </span>
              </Button>
            )}
          </span>
          <IconButton
            label="Clear the log"
            icon={<Eraser size="1rem" aria-hidden="true" />}
            onClick={clearActivity}
          />
        </div>
        {/* biome-ignore lint/a11y/noNoninteractiveTabindex: it is scrolled with the keyboard, too */}
        <section className="log-rows" aria-label="Log entries, newest first" tabIndex={0}>
          {rows.length > 0 ? (
            <LogTable rows={rows} />
          ) : isFiltered && log.rows.length > 0 ? (
            <EmptyState title="No entry matches">
              <Button onClick={showAll}>Show all entries</Button>
            </EmptyState>
          ) : (
            <EmptyState title={log.waiting.length > 0 ? 'The log is paused' : 'Nothing has happened yet'}>
              Events, commands, and clients that come and go are listed here from the moment this page is
              open.
            </EmptyState>
          )}
        </section>
      </div>
    </section>
  )
}

/** What is missing is shown under every filter: what was there, nobody knows. */
function matcher(kind: string, namespace: string, text: string): (row: LogRow) => boolean {
  return (row) => {
    if (row.kind !== 'entry') return true
    const { entry } = row
    if (kind !== 'all' && entry.kind !== kind) return false
    if (namespace !== '' && entry.namespace !== namespace) return false
    if (text === '') return true
    const { name, userId = '', rooms = [], code = '' } = entry
    return [entry.namespace, name, userId, code, ...rooms].some((part) => part.toLowerCase().includes(text))
  }
}

function namespacesOf(
  counts: EventCounts | undefined,
  rows: readonly LogRow[],
  chosen: string,
): readonly string[] {
  const names = new Set(chosen === '' ? [] : [chosen])
  for (const { namespace } of counts?.events ?? []) names.add(namespace)
  for (const row of rows) if (row.kind === 'entry') names.add(row.entry.namespace)
  return [...names].toSorted()
}

function sizeText({ rows, left }: ActivityLog, shown: number, isFiltered: boolean): string {
  const whole =
    rows.length < logRowsMax ? plural(rows.length, 'line') : `the newest ${plural(logRowsMax, 'line')}`
  const size = isFiltered ? `${number(shown)} of ${whole}` : whole
  const missing = left === 0 ? '' : `, ${plural(left, 'entry', 'entries')} left out`
  return `${size[0]?.toUpperCase()}${size.slice(1)}${missing}`
}

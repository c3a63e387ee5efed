/** The configuration in force, and where each value came from. */
import type { SettingsView, SettingView } from '@belfry/contract'
import { useDeferredValue, useState } from 'react'
import { Badge, type Tone } from '../components/Badge.tsx'
import { Button } from '../components/Button.tsx'
import { CopyButton } from '../components/CopyButton.tsx'
import { EmptyState } from '../components/EmptyState.tsx'
import { ErrorNotice } from '../components/ErrorNotice.tsx'
import { PageHeader } from '../components/PageHeader.tsx'
import { SearchField } from '../components/SearchField.tsx'
import { Segments } from '../components/Segments.tsx'
import { Skeleton } from '../components/Skeleton.tsx'
import { type Column, Table } from '../components/Table.tsx'
import { useResource } from '../data/resource.ts'
import { number, plural } from '../format.ts'
import { useQuery } from '../router.tsx'
import '../components/sheet.css'
import './settings.css'

const sources: Record<SettingView['source'], { text: string; tone: Tone }> = {
  default: { text: 'Default', tone: 'plain' },
  environment: { text: 'Environment', tone: 'note' },
  generated: { text: 'Generated', tone: 'well' },
}

const filters = [
  { value: 'all', text: 'All' },
  { value: 'default', text: 'Default' },
  { value: 'environment', text: 'Environment' },
  { value: 'generated', text: 'Generated' },
] as const

const columns: readonly Column<SettingView>[] = [
  {
    key: 'name',
    title: 'Setting',
    heads: true,
    cell: (setting) => (
      <>
        <code dir="auto">{setting.name}</code>
        <p className="setting-description">
          <bdi>{setting.description}</bdi>
        </p>
      </>
    ),
  },
  { key: 'value', title: 'Value', cell: (setting) => <Value setting={setting} /> },
  {
    key: 'source',
    title: 'Source',
    cell: (setting) => <Badge tone={sources[setting.source].tone}>{sources[setting.source].text}</Badge>,
  },
]

export function Settings() {
  const { value, failure, loading, reload } = useResource<SettingsView>('/api/v1/system/settings')
  return (
    <>
      <PageHeader title="Settings">
        What this server runs with. Values come from environment variables and are read once, when it starts.
      </PageHeader>
      {failure !== undefined && (
        <ErrorNotice
          title={
            value === undefined ? 'The settings could not be read' : 'The settings could not be read again'
          }
          failure={failure}
          onRetry={reload}
        />
      )}
      {value !== undefined ? (
        <List settings={value.settings} />
      ) : (
        loading && <Skeleton what="the settings" heights={['2.25rem', '24rem']} />
      )}
    </>
  )
}

function List({ settings }: { settings: readonly SettingView[] }) {
  const [search, setSearch] = useQuery('q')
  const [asked, setAsked] = useQuery('source')
  const source = filters.find((filter) => filter.value === asked)?.value ?? 'all'
  const wanted = useDeferredValue(search).trim().toLowerCase()
  const shown = settings.filter(
    (setting) =>
      (source === 'all' || setting.source === source) &&
      `${setting.name} ${setting.description} ${setting.secret ? '' : setting.value}`
        .toLowerCase()
        .includes(wanted),
  )
  const reset = (): void => {
    setSearch('')
    setAsked('')
  }
  return (
    <>
      <div className="settings-tools">
        <SearchField label="Search the settings" value={search} onChange={setSearch} />
        <Segments
          label="Source"
          options={filters}
          value={source}
          onChange={(next) => setAsked(next === 'all' ? '' : next)}
        />
        <output className="muted figures">
          {shown.length === settings.length
            ? plural(settings.length, 'setting')
            : `${shown.length} of ${plural(settings.length, 'setting')}`}
        </output>
      </div>
      <div className="sheet">
        {shown.length > 0 ? (
          <Table
            caption="Settings in force"
            columns={columns}
            rows={shown}
            keyOf={(setting) => setting.name}
            className="settings-table"
          />
        ) : settings.length === 0 ? (
          <EmptyState title="No settings">This server reports none.</EmptyState>
        ) : (
          <EmptyState title="No setting matches">
            <Button onClick={reset}>Show all settings</Button>
          </EmptyState>
        )}
      </div>
    </>
  )
}

function Value({ setting }: { setting: SettingView }) {
  if (setting.value === '') return <span className="muted">not set</span>
  if (setting.secret) {
    return (
      <span className="setting-value">
        <code>{setting.value}</code>
        <span className="muted">secret</span>
      </span>
    )
  }
  return (
    <span className="setting-value">
      <LongText text={setting.value} />
      <CopyButton text={setting.value} label={`Copy the value of ${setting.name}`} />
    </span>
  )
}

/** More than anybody reads at a glance is folded: a certificate, a list of origins. */
const readable = 240

function LongText({ text }: { text: string }) {
  const [whole, setWhole] = useState(false)
  if (text.length <= readable) return <code dir="auto">{text}</code>
  return (
    <span>
      <code dir="auto">{whole ? text : `${text.slice(0, readable)}…`}</code>{' '}
      <button type="button" className="text-button" aria-expanded={whole} onClick={() => setWhole(!whole)}>
        {whole ? 'Show less' : `Show all ${number(text.length)} characters`}
      </button>
    </span>
  )
}

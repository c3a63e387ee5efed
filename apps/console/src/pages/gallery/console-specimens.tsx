/** The console's own components. */
import { Megaphone } from 'lucide-react'
import { type ComponentProps, useState } from 'react'
import { Anchor } from '../../components/Anchor.tsx'
import { Badge } from '../../components/Badge.tsx'
import { Button, IconButton } from '../../components/Button.tsx'
import { Card } from '../../components/Card.tsx'
import { ConnectionBanner } from '../../components/ConnectionBanner.tsx'
import { CopyButton } from '../../components/CopyButton.tsx'
import { Dialog } from '../../components/Dialog.tsx'
import { EmptyState } from '../../components/EmptyState.tsx'
import { ErrorNotice } from '../../components/ErrorNotice.tsx'
import { Field, FieldError } from '../../components/Field.tsx'
import { Hint, HintProvider } from '../../components/Hint.tsx'
import { Kbd } from '../../components/Kbd.tsx'
import { KeyValueList } from '../../components/KeyValueList.tsx'
import { LiveControl } from '../../components/LiveControl.tsx'
import { Meter } from '../../components/Meter.tsx'
import { Moment } from '../../components/Moment.tsx'
import { Pager } from '../../components/Pager.tsx'
import { SearchField } from '../../components/SearchField.tsx'
import { Segments } from '../../components/Segments.tsx'
import { Select } from '../../components/Select.tsx'
import { Skeleton } from '../../components/Skeleton.tsx'
import { Spark } from '../../components/Spark.tsx'
import { Standing } from '../../components/Standing.tsx'
import { Stat, Stats } from '../../components/Stat.tsx'
import { type Column, Table } from '../../components/Table.tsx'
import { TimeSeries } from '../../components/TimeSeries.tsx'
import { ValuePages } from '../../components/ValuePages.tsx'
import { toast } from '../../data/toasts.ts'
import { millisecondsText, number } from '../../format.ts'
import type { Specimen } from './Gallery.tsx'

const opened = Date.now()
const live = { phase: 'live', data: { receivedAt: opened } } as const
const lost = {
  phase: 'lost',
  data: live.data,
  retryAt: opened + 45_000,
  trying: false,
} as const

/** A quiet line with a peak in it. */
const values = Array.from({ length: 60 }, (_, n) => 4 + 3 * Math.sin(n / 6) + (n === 42 ? 9 : 0))
const times = values.map((_, n) => opened - (values.length - 1 - n) * 1_000)
const lines = [
  { name: 'Slowest', color: '--series-bronze', values: values.map((value) => value * 1.8), filled: true },
  { name: 'Median', color: '--series-patina', values, dashed: true },
]

const rows = [
  { name: 'notifications', events: 1_204 },
  { name: 'realtime', events: 86 },
]
const columns: readonly Column<(typeof rows)[number]>[] = [
  { key: 'name', title: 'Namespace', cell: ({ name }) => name, heads: true },
  { key: 'events', title: 'Events', cell: ({ events }) => number(events), kind: 'figures' },
]

export const consoleSpecimens: readonly Specimen[] = [
  {
    shows: ['Button', 'IconButton'],
    about: 'Something to press. The strong one is the one of a page that matters.',
    states: [
      { name: 'Plain', shown: <Button>Refresh</Button> },
      { name: 'Strong', shown: <Button look="strong">Publish</Button> },
      { name: 'Quiet', shown: <Button look="quiet">Not now</Button> },
      { name: 'With an icon', shown: <Button icon={<Megaphone size="1rem" />}>Publish</Button> },
      { name: 'An icon alone', shown: <IconButton label="Publish" icon={<Megaphone size="1rem" />} /> },
      { name: 'Disabled', shown: <Button disabled>Publish</Button> },
    ],
  },
  {
    shows: ['Badge'],
    about: 'A state in a word, with a shape of its own.',
    states: (['well', 'note', 'warn', 'bad', 'plain'] as const).map((tone) => ({
      name: tone,
      shown: <Badge tone={tone}>{tone}</Badge>,
    })),
  },
  {
    shows: ['Segments'],
    about: 'One of a few, all visible.',
    states: [{ name: 'A window', shown: <ChosenSegment /> }],
  },
  {
    shows: ['Select'],
    about: 'One of many.',
    states: [{ name: 'A namespace', shown: <ChosenOption /> }],
  },
  {
    shows: ['SearchField'],
    about: 'Filters what is on the page; the key "/" goes to it.',
    states: [
      { name: 'Empty', shown: <Searched label="Search the rows" from="" /> },
      { name: 'Filled', shown: <Searched label="Search the tables" from="notific" /> },
    ],
  },
  {
    shows: ['Field', 'FieldError'],
    about: 'One field of a form: what to write in it, and what is wrong with it.',
    states: [
      { name: 'Empty', shown: <Written from="" /> },
      { name: 'Refused', shown: <Written from="two words" error="is one word" /> },
      {
        name: 'An error of its own',
        shown: <FieldError id="gallery-error" error="may be sent to 10,000 users" />,
      },
    ],
  },
  {
    shows: ['Pager'],
    about: 'To the page before and after; at the end it stays and says so.',
    states: [
      { name: 'In the middle', shown: <Pager of="rows" onPrevious={nothing} onNext={nothing} /> },
      { name: 'At the end', shown: <Pager of="lines" onPrevious={nothing} onNext={undefined} /> },
    ],
  },
  {
    shows: ['CopyButton'],
    about: 'Copies a text and says so.',
    states: [
      { name: 'Small', shown: <CopyButton text="req-1" label="Copy the id" /> },
      { name: 'Wide', shown: <CopyButton text="req-1" label="Copy" wide /> },
    ],
  },
  {
    shows: ['Anchor'],
    about: 'The link to a part of a page.',
    states: [{ name: 'Focused or pointed at', shown: <Anchor href="/gallery#anchor" of="this part" /> }],
  },
  {
    shows: ['Hint', 'HintProvider'],
    about: 'A few words while something is pointed at or focused.',
    states: [
      {
        name: 'At a button',
        shown: (
          <HintProvider>
            <Hint text="Says what it does">
              <Button>Point at me</Button>
            </Hint>
          </HintProvider>
        ),
      },
    ],
  },
  {
    shows: ['Kbd'],
    about: 'A key of the keyboard.',
    states: [{ name: 'A key', shown: <Kbd>g</Kbd> }],
  },
  {
    shows: ['Card'],
    about: 'A sheet with a heading: one matter of a page.',
    states: [
      { name: 'Plain', shown: <Card title="Database">PostgreSQL 18.4</Card> },
      {
        name: 'With actions',
        shown: (
          <Card title="Settings" actions={<Button>Copy</Button>}>
            32 settings
          </Card>
        ),
      },
    ],
  },
  {
    shows: ['Dialog'],
    about: 'A window above the page.',
    states: [{ name: 'Opened by a button', shown: <OpenedDialog /> }],
  },
  {
    shows: ['EmptyState'],
    about: 'Nothing to show: why, and what to do next.',
    states: [
      { name: 'Empty', shown: <EmptyState title="Nobody is connected">Connect a client.</EmptyState> },
    ],
  },
  {
    shows: ['ErrorNotice'],
    about: 'What went wrong, what to do about it, and what to quote.',
    isWide: true,
    states: [
      {
        name: 'With a way out',
        shown: (
          <ErrorNotice
            title="The settings could not be read"
            failure={{
              code: 'database_unavailable',
              sentence: 'The database cannot be reached at the moment.',
              retry: true,
              status: 503,
              requestId: 'req-1',
              retryAfterSeconds: 5,
            }}
            onRetry={nothing}
          />
        ),
      },
      {
        name: 'With fields',
        shown: (
          <ErrorNotice
            title="The event was not published"
            failure={{
              code: 'validation_failed',
              sentence: 'The request does not have the form that was described.',
              retry: false,
              status: 400,
              fields: [{ path: 'data.title', message: 'Too long: at most 200 characters.' }],
            }}
          />
        ),
      },
    ],
  },
  {
    shows: ['ConnectionBanner'],
    about: 'Says that what is shown is old.',
    isWide: true,
    states: [
      { name: 'Lost', shown: <ConnectionBanner live={lost} onRetry={nothing} /> },
      { name: 'Trying', shown: <ConnectionBanner live={{ ...lost, trying: true }} onRetry={nothing} /> },
    ],
  },
  {
    shows: ['LiveControl'],
    about: 'Stops and resumes everything that moves.',
    states: [
      { name: 'Live', shown: <LiveControl live={live} /> },
      { name: 'Lost', shown: <LiveControl live={lost} /> },
      { name: 'The button alone', shown: <LiveControl /> },
    ],
  },
  {
    shows: ['Standing'],
    about: 'How old a table is, and why it stands still.',
    states: [
      { name: 'Live', shown: <Standing live={live} held={false} /> },
      { name: 'Somebody reads', shown: <Standing live={live} held /> },
      { name: 'Lost', shown: <Standing live={lost} held={false} /> },
    ],
  },
  {
    shows: ['Stat', 'Stats'],
    about: 'A reading: what it is, the figure, its unit, and how it went.',
    states: [
      { name: 'With a note', shown: stat({ note: 'peak 28' }) },
      { name: 'With its course', shown: stat({ trend: <Spark values={values} ceiling={10} tone="ink" /> }) },
      { name: 'Old', shown: stat({ stale: 'as of 14:02:11' }) },
      { name: 'Not known yet', shown: stat({ value: undefined }) },
    ],
  },
  {
    shows: ['Spark'],
    about: 'The course of one reading.',
    states: (['bronze', 'patina', 'ink'] as const).map((tone) => ({
      name: tone,
      shown: <Spark values={values} ceiling={10} tone={tone} />,
    })),
  },
  {
    shows: ['Meter'],
    about: 'How much of a limit is used.',
    states: [
      { name: 'Some', shown: <Meter value={12} max={40} label="Connections" /> },
      { name: 'Bare', shown: <Meter value={36} max={40} label="Sessions" bare /> },
    ],
  },
  {
    shows: ['KeyValueList'],
    about: 'Facts, one a line.',
    states: [
      {
        name: 'Two facts',
        shown: (
          <KeyValueList
            facts={[
              { name: 'Version', value: 'PostgreSQL 18.4' },
              { name: 'Started', value: <Moment at={new Date(opened).toISOString()} now={opened} /> },
            ]}
          />
        ),
      },
    ],
  },
  {
    shows: ['Moment'],
    about: 'A point in time: exactly when, and how long ago.',
    states: [
      {
        name: 'Two hours ago',
        shown: <Moment at={new Date(opened - 7_200_000).toISOString()} now={opened} />,
      },
    ],
  },
  {
    shows: ['Table'],
    about: 'Rows under named columns; on a narrow screen each row becomes a card.',
    isWide: true,
    states: [
      {
        name: 'Sorted',
        shown: (
          <Table
            caption="Events"
            columns={columns}
            rows={rows}
            keyOf={({ name }) => name}
            sorting={{ key: 'events', direction: 'descending', onSort: nothing }}
          />
        ),
      },
    ],
  },
  {
    shows: ['TimeSeries'],
    about: 'A live chart that everybody can read.',
    isWide: true,
    states: [
      {
        name: 'A minute',
        shown: (
          <TimeSeries
            title="Answers"
            times={times}
            lines={lines}
            windowSeconds={60}
            text={millisecondsText}
            axisText={(value) => number(value)}
            ceiling={10}
          />
        ),
      },
      {
        name: 'No samples yet',
        shown: (
          <TimeSeries
            title="Requests"
            times={[]}
            lines={[]}
            windowSeconds={60}
            text={millisecondsText}
            axisText={(value) => number(value)}
            ceiling={10}
          />
        ),
      },
    ],
  },
  {
    shows: ['ValuePages'],
    about: 'The values of a chart as a table, page by page.',
    isWide: true,
    states: [
      {
        name: 'A minute',
        shown: <ValuePages title="Answers" times={times} lines={lines} text={millisecondsText} />,
      },
    ],
  },
  {
    shows: ['Skeleton'],
    about: 'The outline of what is being read.',
    states: [{ name: 'Two bars', shown: <Skeleton what="nothing" heights={['2rem', '4rem']} /> }],
  },
  {
    shows: ['Toasts'],
    about: 'Short news that needs no answer. Their place is at the edge of every page.',
    states: [
      {
        name: 'When it is pressed',
        shown: <Button onClick={() => toast('This is a toast.')}>Show a toast</Button>,
      },
    ],
  },
  {
    shows: ['PageHeader'],
    about: 'The head of a page: that of this one is the first thing on it.',
    states: [{ name: 'Here', shown: <a href="#main">To the head of this page</a> }],
  },
]

function nothing(): void {}

function stat(more: Partial<ComponentProps<typeof Stat>>) {
  return (
    <Stats>
      <Stat label="Requests per second" value={{ figure: '12', unit: '/s' }} {...more} />
    </Stats>
  )
}

function ChosenSegment() {
  const [chosen, choose] = useState<'1' | '5' | '15'>('5')
  const options = (['1', '5', '15'] as const).map((value) => ({ value, text: `${value} min` }))
  return <Segments label="Window" options={options} value={chosen} onChange={choose} />
}

function ChosenOption() {
  const [chosen, choose] = useState('realtime')
  const options = rows.map(({ name }) => ({ value: name, text: `/${name}` }))
  return <Select label="Namespace" options={options} value={chosen} onChange={choose} />
}

function Searched({ label, from }: { label: string; from: string }) {
  const [text, setText] = useState(from)
  return <SearchField label={label} value={text} onChange={setText} />
}

function Written({ from, error }: { from: string; error?: string }) {
  const [text, setText] = useState(from)
  return (
    <Field label="Type" note="optional" hint="A word for the application, such as mention" error={error}>
      {(attributes) => (
        <input
          {...attributes}
          className="field-input"
          value={text}
          onChange={(event) => setText(event.target.value)}
        />
      )}
    </Field>
  )
}

function OpenedDialog() {
  const [isOpen, setIsOpen] = useState(false)
  return (
    <>
      <Button onClick={() => setIsOpen(true)}>Open the window</Button>
      {isOpen && (
        <Dialog title="A window" onClose={() => setIsOpen(false)}>
          <p>Escape closes it.</p>
        </Dialog>
      )}
    </>
  )
}

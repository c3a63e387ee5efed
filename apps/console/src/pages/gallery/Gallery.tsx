/** Every component there is, in every state it has: those that applications use, and the console's own. Public. */
import type { ReactNode } from 'react'
import { Anchor } from '../../components/Anchor.tsx'
import { PageHeader } from '../../components/PageHeader.tsx'
import { Link } from '../../router.tsx'
import { useFragmentTarget } from '../fragment.ts'
import { consoleSpecimens } from './console-specimens.tsx'
import { reactSpecimens } from './react-specimens.tsx'
import './gallery.css'

export interface Specimen {
  /** Of the components it shows; the first one names it. */
  readonly shows: readonly [string, ...string[]]
  readonly about: string
  readonly states: readonly { readonly name: string; readonly shown: ReactNode }[]
  /** One state a line: it needs the room. */
  readonly isWide?: boolean
}

export function Gallery() {
  useFragmentTarget(true)
  return (
    <>
      <PageHeader title="Gallery">
        Every component, in every state. Those of <code>@belfry/react</code> are what applications show their
        users; nothing here is connected to anything. The others are the console’s own. The theme is chosen in
        the menu of the account; what the server says is in the <Link href="/docs">reference of the API</Link>
        .
      </PageHeader>
      <Group title="For applications" specimens={reactSpecimens} />
      <Group title="Of the console" specimens={consoleSpecimens} />
    </>
  )
}

function Group({ title, specimens }: { title: string; specimens: readonly Specimen[] }) {
  return (
    <section className="gallery-group">
      <h2>{title}</h2>
      <nav aria-label={title} className="gallery-contents">
        {specimens.map(({ shows: [name] }) => (
          <Link key={name} href={`/gallery#${anchorOf(name)}`}>
            {name}
          </Link>
        ))}
      </nav>
      {specimens.map((specimen) => (
        <View key={specimen.shows[0]} specimen={specimen} />
      ))}
    </section>
  )
}

function View({ specimen }: { specimen: Specimen }) {
  const { shows, about, states, isWide = false } = specimen
  const [name] = shows
  const id = anchorOf(name)
  return (
    <section id={id} tabIndex={-1} className="gallery-specimen" data-shows={shows.join(' ')}>
      <h3>
        {name}
        <Anchor href={`/gallery#${id}`} of={name} />
      </h3>
      <p className="muted">{about}</p>
      <div className="gallery-states" data-wide={isWide}>
        {states.map((state) => (
          <figure key={state.name} className="gallery-state">
            <figcaption>{state.name}</figcaption>
            <div className="gallery-shown">{state.shown}</div>
          </figure>
        ))}
      </div>
    </section>
  )
}

function anchorOf(name: string): string {
  return name.replace(/(?<=[a-z])(?=[A-Z])/g, '-').toLowerCase()
}

/** The API reference, drawn from the document that the server makes of its own routes. Public. */
import { useMemo } from 'react'
import { EmptyState } from '../../components/EmptyState.tsx'
import { ErrorNotice } from '../../components/ErrorNotice.tsx'
import { PageHeader } from '../../components/PageHeader.tsx'
import { SearchField } from '../../components/SearchField.tsx'
import { Skeleton } from '../../components/Skeleton.tsx'
import { useResource } from '../../data/resource.ts'
import { Link, useQuery } from '../../router.tsx'
import { useFragmentTarget } from '../fragment.ts'
import { Method, OperationView, Path } from './OperationView.tsx'
import { type ApiModel, type Group, readApi } from './openapi.ts'
import { Words } from './Words.tsx'
import './api.css'

export function ApiReference() {
  const { value, failure, loading, reload } = useResource<unknown>('/openapi.json')
  const api = useMemo(() => (value === undefined ? undefined : readApi(value)), [value])
  const [search, setSearch] = useQuery('q')
  useFragmentTarget(api !== undefined)
  const groups = useMemo(() => (api === undefined ? [] : matching(api.groups, search)), [api, search])
  return (
    <>
      <PageHeader
        title="API"
        actions={<SearchField label="Search the API" value={search} onChange={setSearch} />}
      >
        Every endpoint of this server, drawn from{' '}
        <a href="/openapi.json" target="_blank" rel="noreferrer">
          /openapi.json
        </a>
        . What can go wrong is listed under <Link href="/docs/errors">errors</Link>, and what applications can
        show of it stands in the <Link href="/gallery">gallery</Link>.
      </PageHeader>
      {failure !== undefined && (
        <ErrorNotice title="The API document could not be read" failure={failure} onRetry={reload} />
      )}
      {api === undefined && loading && (
        <Skeleton what="the API document" heights={['10rem', '24rem', '24rem']} />
      )}
      {api !== undefined && <Contents api={api} groups={groups} />}
    </>
  )
}

function Contents({ api, groups }: { api: ApiModel; groups: readonly Group[] }) {
  if (groups.length === 0) {
    return (
      <EmptyState title={api.groups.length === 0 ? 'No endpoints' : 'No endpoint matches'}>
        {api.groups.length === 0 ? 'The document names none.' : 'Search for a part of a path or of a name.'}
      </EmptyState>
    )
  }
  return (
    <>
      <nav className="api-contents" aria-label="Endpoints">
        {groups.map((group) => (
          <div key={group.tag}>
            <p className="api-contents-tag">{group.tag}</p>
            <ul>
              {group.operations.map((operation) => (
                <li key={operation.id}>
                  <a href={`#${operation.id}`}>
                    <Method name={operation.method} />
                    <code>
                      <Path path={operation.path} />
                    </code>
                    <span className="muted">{operation.summary}</span>
                  </a>
                </li>
              ))}
            </ul>
          </div>
        ))}
      </nav>
      {groups.map((group) => (
        <div key={group.tag} className="api-group">
          <h2>{group.tag}</h2>
          {group.description !== '' && <Words text={group.description} />}
          {group.operations.map((operation) => (
            <OperationView key={operation.id} operation={operation} api={api} />
          ))}
        </div>
      ))}
    </>
  )
}

function matching(groups: readonly Group[], search: string): readonly Group[] {
  const wanted = search.trim().toLowerCase()
  if (wanted === '') return groups
  return groups
    .map((group) => ({
      ...group,
      operations: group.operations.filter((operation) =>
        `${group.tag} ${operation.method} ${operation.path} ${operation.summary}`
          .toLowerCase()
          .includes(wanted),
      ),
    }))
    .filter((group) => group.operations.length > 0)
}

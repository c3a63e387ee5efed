/** One operation: what it does and takes on the left, what one types and gets on the right. */
import { errorCatalogue } from '@belfry/contract'
import { LockKeyhole } from 'lucide-react'
import { useId } from 'react'
import { Anchor } from '../../components/Anchor.tsx'
import { CopyButton } from '../../components/CopyButton.tsx'
import { Link } from '../../router.tsx'
import { curlOf, exampleOf } from './example.ts'
import type { Answer, ApiModel, Operation, Parameter } from './openapi.ts'
import { SchemaTree, TypeName } from './SchemaTree.tsx'
import { Words } from './Words.tsx'
import '../../components/status.css'

export function OperationView({ operation, api }: { operation: Operation; api: ApiModel }) {
  const heading = useId()
  const good = operation.answers.filter((answer) => answer.status.startsWith('2'))
  const refusals = operation.answers.filter((answer) => !answer.status.startsWith('2'))
  return (
    <section className="operation" id={operation.id} tabIndex={-1} aria-labelledby={heading}>
      <div className="operation-text">
        <header>
          <h3 id={heading}>
            {operation.summary || `${operation.method} ${operation.path}`}
            <Anchor href={`/docs#${operation.id}`} of={operation.summary || operation.path} />
          </h3>
          <p className="operation-line">
            <Method name={operation.method} />
            <code>
              <Path path={operation.path} />
            </code>
          </p>
          {operation.access !== undefined && (
            <p className="operation-access">
              <LockKeyhole size="0.875rem" aria-hidden="true" />
              {operation.access.description || 'For those who are signed in.'}
            </p>
          )}
        </header>
        {operation.description !== '' && <Words text={operation.description} />}
        {operation.parameters.length > 0 && <Parameters parameters={operation.parameters} api={api} />}
        {operation.body !== undefined && (
          <div className="operation-part">
            <h4>Body</h4>
            <SchemaTree schema={operation.body.schema} api={api} />
          </div>
        )}
        {good.map((answer) => (
          <GoodAnswer key={answer.status} answer={answer} api={api} />
        ))}
        {refusals.length > 0 && (
          <div className="operation-part">
            <h4>Refusals</h4>
            <ul className="operation-refusals">
              {refusals.map((answer) => (
                <li key={answer.status}>
                  <span className="status figures">{answer.status}</span>
                  <RefusalWords answer={answer} api={api} />
                </li>
              ))}
            </ul>
          </div>
        )}
      </div>
      <Examples operation={operation} api={api} good={good[0]} />
    </section>
  )
}

export function Method({ name }: { name: string }) {
  return (
    <span className="method" data-method={name}>
      {name}
    </span>
  )
}

/** Placeholders stand out from what is typed as it is. */
export function Path({ path }: { path: string }) {
  return path.split(/(\{[^}]+\}|:[A-Za-z_]+)/).map((part, index) =>
    index % 2 === 1 ? (
      // biome-ignore lint/suspicious/noArrayIndexKey: the parts of a path never change places
      <span key={index} className="path-placeholder">
        {part}
      </span>
    ) : (
      part
    ),
  )
}

function Parameters({ parameters, api }: { parameters: readonly Parameter[]; api: ApiModel }) {
  return (
    <div className="operation-part">
      <h4>Parameters</h4>
      <ul className="schema">
        {parameters.map((parameter) => (
          <li key={`${parameter.in}/${parameter.name}`}>
            <code className="schema-name">{parameter.name}</code>{' '}
            <TypeName schema={parameter.schema} api={api} />
            <span className="muted"> in the {parameter.in}</span>
            {!parameter.required && <span className="schema-optional"> optional</span>}
            {parameter.description !== '' && <p className="schema-words">{parameter.description}</p>}
          </li>
        ))}
      </ul>
    </div>
  )
}

function GoodAnswer({ answer, api }: { answer: Answer; api: ApiModel }) {
  const stream = answer.mediaType === 'text/event-stream'
  return (
    <div className="operation-part">
      <h4>
        {stream ? 'Stream of events' : 'Answer'} <span className="status figures">{answer.status}</span>
      </h4>
      {answer.schema === undefined ? (
        <p className="muted">{answer.description || 'Without a body.'}</p>
      ) : (
        <>
          {stream && (
            <p className="muted">
              Server-sent events until you close the connection. The data of each is JSON:
            </p>
          )}
          <SchemaTree schema={answer.schema} api={api} />
        </>
      )}
    </div>
  )
}

/** The codes that a refusal may carry, each leading to its row in the errors reference; else its description. */
function RefusalWords({ answer, api }: { answer: Answer; api: ApiModel }) {
  const codes = refusalCodes(answer, api)
  if (codes.length === 0)
    return <span>{answer.description || <Link href="/docs/errors">See the errors</Link>}</span>
  return (
    <span className="operation-codes">
      {codes.map((code) => (
        <Link key={code} href={`/docs/errors#${code}`}>
          <code>{code}</code>
        </Link>
      ))}
    </span>
  )
}

/** Named by the schema of the answer, or between backticks or by an underscore in its description. */
function refusalCodes(answer: Answer, api: ApiModel): readonly string[] {
  const property = answer.schema === undefined ? undefined : api.resolve(answer.schema).properties?.['code']
  const code = property === undefined ? undefined : api.resolve(property)
  const named = code?.const === undefined ? (code?.enum ?? []) : [code.const]
  const known = named.filter((name): name is string => typeof name === 'string' && name in errorCatalogue)
  // One schema for all refusals names every code there is, which says nothing about this one.
  if (known.length > 0 && known.length < Object.keys(errorCatalogue).length) return known
  const said = answer.description.match(/`[a-z]+`|\b[a-z]+(?:_[a-z]+)+\b/g) ?? []
  return said.map((name) => name.replaceAll('`', '')).filter((name) => name in errorCatalogue)
}

interface ExamplesProps {
  readonly operation: Operation
  readonly api: ApiModel
  readonly good: Answer | undefined
}

function Examples({ operation, api, good }: ExamplesProps) {
  const curl = curlOf(operation, api, location.origin)
  const isJson = good?.mediaType === 'application/json' || good?.mediaType === 'text/event-stream'
  const value = isJson && good.schema !== undefined ? exampleOf(good.schema, api) : undefined
  return (
    <div className="operation-examples">
      <Sample title="Request" text={curl} copy="Copy as curl" />
      {value !== undefined && good !== undefined && (
        <Sample
          title={`Answer ${good.status}`}
          text={
            good.mediaType === 'text/event-stream'
              ? `data: ${JSON.stringify(value)}\n`
              : JSON.stringify(value, null, 2)
          }
        />
      )}
    </div>
  )
}

function Sample({ title, text, copy }: { title: string; text: string; copy?: string }) {
  return (
    <div className="sample">
      <header>
        <span>{title}</span>
        {copy !== undefined && <CopyButton text={text} label={copy} wide />}
      </header>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: long lines are scrolled with the keyboard, too */}
      <pre tabIndex={0}>{text}</pre>
    </div>
  )
}

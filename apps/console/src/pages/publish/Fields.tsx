/** A payload as a form: a field for each property, down to what only JSON can express. */
import { Plus, X } from 'lucide-react'
import { type ReactNode, useEffect, useId, useRef, useState } from 'react'
import { Button, IconButton } from '../../components/Button.tsx'
import { FieldError } from '../../components/Field.tsx'
import {
  below,
  blank,
  type Draft,
  type Fields,
  fits,
  isFields,
  type Path,
  readJson,
  readNumber,
  Unfinished,
  writeJson,
} from './draft.ts'
import type { Property, Shape, ShapeOf } from './shape.ts'
import '../../components/select.css'

/** `changed` is where: what was said about this place is no longer true. */
export type Change = (next: Draft, changed: Path) => void

interface PropertiesProps {
  readonly properties: readonly Property[]
  readonly value: Fields
  readonly path: Path
  readonly errors: ReadonlyMap<Path, string>
  readonly onChange: Change
}

export function Properties({ properties, value, path, errors, onChange }: PropertiesProps) {
  return (
    <div className="fields">
      {properties.map(({ name, isOptional, shape }) => (
        <PropertyField
          key={name}
          name={name}
          isOptional={isOptional}
          shape={shape}
          isThere={Object.hasOwn(value, name)}
          value={value[name]}
          path={below(path, name)}
          errors={errors}
          onChange={(next, changed) => onChange({ ...value, [name]: next }, changed)}
          onLeaveOut={() => {
            const { [name]: _left, ...rest } = value
            onChange(rest, below(path, name))
          }}
        />
      ))}
    </div>
  )
}

interface FieldProps {
  readonly name: string
  readonly shape: Shape
  readonly value: Draft
  readonly path: Path
  readonly errors: ReadonlyMap<Path, string>
  readonly onChange: Change
}

interface PropertyFieldProps extends FieldProps {
  readonly isOptional: boolean
  readonly isThere: boolean
  readonly onLeaveOut: () => void
}

/** What is left out is a button that adds it; a property that must be there can be missing only after JSON was written. */
function PropertyField({ isOptional, isThere, onLeaveOut, ...field }: PropertyFieldProps) {
  const { name, shape, path, errors, onChange } = field
  const { place, refocus } = useRefocus()
  const errorId = useId()
  const error = errors.get(path)
  return (
    <div ref={place}>
      {isThere ? (
        <Field
          {...field}
          note={isOptional ? 'optional' : undefined}
          action={
            isOptional && (
              <IconButton
                label={`Leave out ${name}`}
                icon={<X size="0.9375rem" aria-hidden="true" />}
                onClick={() => {
                  refocus()
                  onLeaveOut()
                }}
              />
            )
          }
        />
      ) : (
        <div className="field field-absent" data-wrong={error !== undefined}>
          <Button
            look="quiet"
            icon={<Plus size="0.9375rem" aria-hidden="true" />}
            aria-describedby={error === undefined ? undefined : errorId}
            onClick={() => {
              refocus()
              onChange(blank(shape), path)
            }}
          >
            <span>
              Add <code dir="auto">{name}</code>
            </span>
          </Button>
          <span className="field-hint">
            {[isOptional ? 'left out' : 'missing', presetText(shape)]
              .filter((part) => part !== '')
              .join('; ')}
          </span>
          <FieldError id={errorId} error={error} />
        </div>
      )}
    </div>
  )
}

interface NamedFieldProps extends FieldProps {
  readonly note: string | undefined
  readonly action: ReactNode
}

function Field(props: NamedFieldProps) {
  const { name, shape, value, path, errors, onChange, note, action } = props
  const id = useId()
  // Decided once: a field must not turn into another while somebody writes in it.
  const [asJson] = useState(() => !fits(shape, value))
  const used: Shape = asJson ? { kind: 'json', words: shape.words } : shape
  const isNull = used.kind === 'nullable' && value === null
  const inner = used.kind === 'nullable' ? used.inner : used
  const error = errors.get(path)
  const isIndented = !isNull && (inner.kind === 'object' || inner.kind === 'list')
  // With and without a value it is the same element, which keeps the focus on its switch.
  const isGroup = isIndented || used.kind === 'nullable'
  const hint = [
    asJson ? 'not as the form expects it, so as JSON' : '',
    used.words,
    inner === used ? '' : inner.words,
  ]
    .filter((part) => part !== '')
    .join('; ')
  const describedBy = [hint === '' ? '' : `${id}-hint`, error === undefined ? '' : `${id}-error`]
    .filter((part) => part !== '')
    .join(' ')
  const title = (
    <>
      <code dir="auto">{name}</code>
      {note !== undefined && <span className="field-note"> {note}</span>}
    </>
  )
  const body = (
    <>
      {used.kind === 'nullable' && (
        <label className="field-check">
          <input
            type="checkbox"
            checked={isNull}
            onChange={(event) => onChange(event.target.checked ? null : blank(used.inner), path)}
          />
          <span>
            no value (<code>null</code>)
          </span>
        </label>
      )}
      {!isNull && (
        <Control
          {...props}
          shape={inner}
          attributes={{
            id: `${id}-control`,
            'aria-describedby': describedBy === '' ? undefined : describedBy,
            'aria-invalid': error === undefined ? undefined : true,
            'aria-label': isGroup ? name : undefined,
          }}
        />
      )}
      {hint !== '' && (
        <p id={`${id}-hint`} className="field-hint">
          {hint}
        </p>
      )}
      <FieldError id={`${id}-error`} error={error} />
    </>
  )
  if (isGroup) {
    return (
      <fieldset
        className={isIndented ? 'field field-group' : 'field'}
        data-wrong={error !== undefined}
        aria-describedby={describedBy === '' ? undefined : describedBy}
      >
        <legend className="field-head">
          <span>{title}</span>
        </legend>
        {action !== false && <span className="field-action">{action}</span>}
        {body}
      </fieldset>
    )
  }
  return (
    <div className="field" data-wrong={error !== undefined}>
      <div className="field-head">
        <label htmlFor={`${id}-control`}>{title}</label>
        {action}
      </div>
      {body}
    </div>
  )
}

interface Attributes {
  readonly id: string
  readonly 'aria-describedby': string | undefined
  readonly 'aria-invalid': true | undefined
  /** Where no label belongs to it. */
  readonly 'aria-label': string | undefined
}

interface ControlProps extends FieldProps {
  readonly attributes: Attributes
}

function Control({ shape, ...rest }: ControlProps) {
  const { value, path, errors, onChange, attributes } = rest
  switch (shape.kind) {
    case 'text':
      return <TextControl {...rest} isLong={shape.isLong || String(value).includes('\n')} />
    case 'number':
      return <NumberControl {...rest} />
    case 'boolean':
      return (
        <label className="field-check">
          <input
            type="checkbox"
            {...attributes}
            checked={value === true}
            onChange={(event) => onChange(event.target.checked, path)}
          />
          <span>{value === true ? 'true' : 'false'}</span>
        </label>
      )
    case 'choice':
      return <ChoiceControl {...rest} values={shape.values} />
    case 'list':
      return <ListControl {...rest} shape={shape} />
    case 'object':
      return isFields(value) ? (
        <Properties
          properties={shape.properties}
          value={value}
          path={path}
          errors={errors}
          onChange={onChange}
        />
      ) : null
    default:
      return <JsonControl {...rest} />
  }
}

type LeafProps = Omit<ControlProps, 'shape'>

function TextControl({ value, path, onChange, attributes, isLong }: LeafProps & { isLong: boolean }) {
  // A line must not become lines, or the other way round, while somebody writes in it.
  const [hasLines] = useState(isLong)
  const given = { ...attributes, value: String(value), dir: 'auto' } as const
  return hasLines ? (
    <textarea
      className="field-input field-lines"
      rows={3}
      {...given}
      onChange={(event) => onChange(event.target.value, path)}
    />
  ) : (
    <input
      type="text"
      className="field-input"
      autoComplete="off"
      {...given}
      onChange={(event) => onChange(event.target.value, path)}
    />
  )
}

function NumberControl({ value, path, onChange, attributes }: LeafProps) {
  const [text, setText] = useState(() => (value instanceof Unfinished ? value.text : String(value)))
  return (
    <input
      type="text"
      inputMode="decimal"
      className="field-input field-number figures"
      autoComplete="off"
      {...attributes}
      value={text}
      onChange={(event) => {
        setText(event.target.value)
        onChange(readNumber(event.target.value), path)
      }}
    />
  )
}

function ChoiceControl({
  value,
  path,
  onChange,
  attributes,
  values,
}: LeafProps & { values: readonly unknown[] }) {
  const written = JSON.stringify(value)
  return (
    <select
      className="select"
      {...attributes}
      value={values.findIndex((choice) => JSON.stringify(choice) === written)}
      onChange={(event) => onChange(values[Number(event.target.value)], path)}
    >
      {values.map((choice, index) => (
        <option key={JSON.stringify(choice)} value={index}>
          {typeof choice === 'string' ? choice : JSON.stringify(choice)}
        </option>
      ))}
    </select>
  )
}

export function JsonControl({ value, path, onChange, attributes }: LeafProps) {
  const [text, setText] = useState(() => writeJson(value))
  return (
    <textarea
      className="field-input field-json"
      rows={Math.min(16, text.split('\n').length + 1)}
      spellCheck={false}
      autoCapitalize="off"
      {...attributes}
      value={text}
      onChange={(event) => {
        setText(event.target.value)
        onChange(readJson(event.target.value), path)
      }}
    />
  )
}

function ListControl(props: LeafProps & { shape: ShapeOf<'list'> }) {
  const { name, shape, value, path, errors, onChange } = props
  const entries: readonly Draft[] = Array.isArray(value) ? value : []
  // Entries have no names: each gets a key of its own, so that its field goes when it goes.
  const [keys, setKeys] = useState<readonly number[]>(() => entries.map((_, index) => index))
  const { place, refocus } = useRefocus()
  const isFull = entries.length >= shape.max
  return (
    <div className="fields">
      {entries.map((entry, index) => (
        <div key={keys[index]} className="list-entry">
          <Field
            name={`${name} ${index + 1}`}
            shape={shape.item}
            value={entry}
            path={below(path, index)}
            errors={errors}
            onChange={(next, changed) => onChange(entries.with(index, next), changed)}
            note={undefined}
            action={
              <IconButton
                label={`Remove ${name} ${index + 1}`}
                icon={<X size="0.9375rem" aria-hidden="true" />}
                onClick={() => {
                  refocus()
                  setKeys(keys.toSpliced(index, 1))
                  onChange(entries.toSpliced(index, 1), path)
                }}
              />
            }
          />
        </div>
      ))}
      <div ref={place}>
        <Button
          look="quiet"
          icon={<Plus size="0.9375rem" aria-hidden="true" />}
          aria-disabled={isFull}
          onClick={() => {
            if (isFull) return
            setKeys([...keys, Math.max(-1, ...keys) + 1])
            onChange([...entries, blank(shape.item)], path)
          }}
        >
          <span>
            Add to <code dir="auto">{name}</code>
          </span>
        </Button>
      </div>
    </div>
  )
}

export function presetText({ preset }: Shape): string {
  return preset === undefined ? '' : `the server puts in ${JSON.stringify(preset)}`
}

const fieldTags = 'input, textarea, select'

/** What had the focus is replaced: it goes to the first field in its place, or to the button that is left. */
function useRefocus(): { place: React.RefObject<HTMLDivElement | null>; refocus: () => void } {
  const place = useRef<HTMLDivElement>(null)
  const isAsked = useRef(false)
  useEffect(() => {
    if (!isAsked.current) return
    isAsked.current = false
    const [first] = [fieldTags, 'button'].flatMap(
      (tags) => place.current?.querySelector<HTMLElement>(tags) ?? [],
    )
    first?.focus()
  })
  return {
    place,
    refocus() {
      isAsked.current = true
    },
  }
}

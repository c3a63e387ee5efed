/** One field of a form: its name, what to write in it, and what is wrong with it. */
import { OctagonX } from 'lucide-react'
import { type ReactNode, useId } from 'react'
import './field.css'

export interface FieldAttributes {
  readonly id: string
  readonly 'aria-describedby': string | undefined
  readonly 'aria-invalid': true | undefined
}

interface FieldProps {
  readonly label: string
  readonly note?: string
  readonly hint?: ReactNode
  readonly error: string | undefined
  readonly children: (attributes: FieldAttributes) => ReactNode
}

export function Field({ label, note, hint, error, children }: FieldProps) {
  const id = useId()
  const describedBy = [hint === undefined ? '' : `${id}-hint`, error === undefined ? '' : `${id}-error`]
    .filter((part) => part !== '')
    .join(' ')
  return (
    <div className="field" data-wrong={error !== undefined}>
      <label className="field-head" htmlFor={`${id}-control`}>
        <span>
          {label}
          {note !== undefined && <span className="field-note"> {note}</span>}
        </span>
      </label>
      {children({
        id: `${id}-control`,
        'aria-describedby': describedBy === '' ? undefined : describedBy,
        'aria-invalid': error === undefined ? undefined : true,
      })}
      {hint !== undefined && (
        <p id={`${id}-hint`} className="field-hint">
          {hint}
        </p>
      )}
      <FieldError id={`${id}-error`} error={error} />
    </div>
  )
}

export function FieldError({ id, error }: { id: string; error: string | undefined }) {
  if (error === undefined) return null
  return (
    <p id={id} className="field-error">
      <OctagonX size="0.9375rem" aria-hidden="true" />
      {error}
    </p>
  )
}

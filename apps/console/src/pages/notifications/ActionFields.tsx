/** The buttons of a notification: each a link to follow, or a word for the application. */
import { Plus, X } from 'lucide-react'
import { useEffect, useId, useRef } from 'react'
import { Button, IconButton } from '../../components/Button.tsx'
import { Field, FieldError } from '../../components/Field.tsx'
import type { ActionDraft, Problems } from './draft.ts'

/** As many as the server takes. */
const actionsMax = 5

interface ActionFieldsProps {
  readonly actions: readonly ActionDraft[]
  readonly problems: Problems
  readonly onChange: (next: readonly ActionDraft[], changed: string) => void
}

export function ActionFields({ actions, problems, onChange }: ActionFieldsProps) {
  const id = useId()
  const place = useRef<HTMLDivElement>(null)
  const wanted = useRef<'last' | 'add'>(undefined)
  const error = problems.get('actions')
  useEffect(() => {
    const where = wanted.current
    wanted.current = undefined
    if (where === undefined) return
    const fields = place.current?.querySelectorAll<HTMLElement>('fieldset:last-of-type input')
    const button = place.current?.querySelector<HTMLElement>(':scope > .button')
    const target = where === 'last' ? fields?.[0] : button
    target?.focus()
  })
  const isFull = actions.length >= actionsMax
  return (
    <div className="fields" ref={place} data-wrong={error !== undefined}>
      {actions.map((action, index) => (
        <fieldset className="field field-group action-fields" key={action.number}>
          <legend className="field-head">Action {index + 1}</legend>
          <span className="field-action">
            <IconButton
              label={`Remove action ${index + 1}`}
              icon={<X size="0.9375rem" aria-hidden="true" />}
              onClick={() => {
                wanted.current = 'add'
                onChange(actions.toSpliced(index, 1), 'actions')
              }}
            />
          </span>
          {columns.map(({ name, label, note }) => (
            <Field key={name} label={label} note={note} error={problems.get(`actions.${index}.${name}`)}>
              {(attributes) => (
                <input
                  type="text"
                  className="field-input"
                  autoComplete="off"
                  spellCheck={name === 'label'}
                  dir="auto"
                  {...attributes}
                  value={action[name]}
                  onChange={(event) =>
                    onChange(
                      actions.with(index, { ...action, [name]: event.target.value }),
                      `actions.${index}.${name}`,
                    )
                  }
                />
              )}
            </Field>
          ))}
        </fieldset>
      ))}
      <Button
        look="quiet"
        className="add-action"
        icon={<Plus size="0.9375rem" aria-hidden="true" />}
        aria-disabled={isFull}
        aria-describedby={error === undefined ? undefined : `${id}-error`}
        onClick={() => {
          if (isFull) return
          wanted.current = 'last'
          const number = Math.max(0, ...actions.map((action) => action.number)) + 1
          onChange([...actions, { number, id: '', label: '', url: '' }], 'actions')
        }}
      >
        {isFull ? 'There may be five actions' : 'Add an action'}
      </Button>
      <FieldError id={`${id}-error`} error={error} />
    </div>
  )
}

const columns = [
  { name: 'label', label: 'Label', note: 'what people see' },
  { name: 'id', label: 'Word', note: 'for the application' },
  { name: 'url', label: 'Address', note: 'optional' },
] as const

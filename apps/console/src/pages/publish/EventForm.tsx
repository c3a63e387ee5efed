/** The payload of one event: written as a form or as JSON, filled with an example to begin with. */
import { RotateCcw } from 'lucide-react'
import { useId } from 'react'
import { Button } from '../../components/Button.tsx'
import { Card } from '../../components/Card.tsx'
import { FieldError } from '../../components/Field.tsx'
import { Segments } from '../../components/Segments.tsx'
import { type Draft, isFields, type Path } from './draft.ts'
import { type Change, JsonControl, Properties } from './Fields.tsx'
import type { Shape } from './shape.ts'

export type Mode = 'form' | 'json'

interface EventFormProps {
  readonly shape: Shape
  readonly draft: Draft
  /** Another one for every draft that does not come from the fields: they begin anew. */
  readonly epoch: number
  readonly mode: Mode
  readonly errors: ReadonlyMap<Path, string>
  readonly onMode: (next: Mode) => void
  readonly onChange: Change
  readonly onExample: () => void
}

const modes = [
  { value: 'form', text: 'Form' },
  { value: 'json', text: 'JSON' },
] as const

export function EventForm(props: EventFormProps) {
  const { shape, draft, epoch, mode, errors, onMode, onChange, onExample } = props
  const id = useId()
  const hasForm = shape.kind === 'object'
  const error = errors.get('')
  return (
    <Card
      title="Payload"
      actions={
        <>
          <Button icon={<RotateCcw size="0.9375rem" aria-hidden="true" />} onClick={onExample}>
            Fill in the example
          </Button>
          {hasForm && <Segments label="Write it as" options={modes} value={mode} onChange={onMode} />}
        </>
      }
    >
      {!hasForm && (
        <p className="muted publish-note">This payload has more than one shape, so it is written as JSON.</p>
      )}
      {mode === 'form' && hasForm && isFields(draft) ? (
        <Properties
          key={epoch}
          properties={shape.properties}
          value={draft}
          path=""
          errors={errors}
          onChange={onChange}
        />
      ) : (
        <div className="field" data-wrong={error !== undefined}>
          <JsonControl
            key={epoch}
            name="Payload"
            value={draft}
            path=""
            errors={errors}
            onChange={onChange}
            attributes={{
              id: `${id}-json`,
              'aria-describedby': error === undefined ? undefined : `${id}-error`,
              'aria-invalid': error === undefined ? undefined : true,
              'aria-label': 'Payload as JSON',
            }}
          />
          <FieldError id={`${id}-error`} error={error} />
        </div>
      )}
    </Card>
  )
}

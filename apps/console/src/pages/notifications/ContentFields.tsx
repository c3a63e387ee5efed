/** What a notification says, and what an application needs to know of it. */
import { Card } from '../../components/Card.tsx'
import { Field, type FieldAttributes } from '../../components/Field.tsx'
import { ActionFields } from './ActionFields.tsx'
import { type NotificationDraft, type Problems, priorities } from './draft.ts'
import '../../components/select.css'

interface ContentFieldsProps {
  readonly draft: NotificationDraft
  readonly problems: Problems
  /** `changed`: places of which what was said is no longer true. */
  readonly onChange: (next: NotificationDraft, changed: readonly string[]) => void
}

type TextName = 'type' | 'title' | 'message' | 'category' | 'data' | 'expiresAt'

export function ContentFields({ draft, problems, onChange }: ContentFieldsProps) {
  const given = (name: TextName, attributes: FieldAttributes) => ({
    ...attributes,
    value: draft[name],
    onChange: (event: { readonly target: { readonly value: string } }) =>
      onChange({ ...draft, [name]: event.target.value }, [name]),
  })
  const line = { type: 'text', className: 'field-input', autoComplete: 'off', dir: 'auto' } as const
  return (
    <Card title="Notification">
      <div className="fields">
        <Field label="Title" error={problems.get('title')}>
          {(attributes) => <input {...line} {...given('title', attributes)} />}
        </Field>
        <Field label="Message" note="optional" error={problems.get('message')}>
          {(attributes) => (
            <textarea
              className="field-input field-lines"
              rows={3}
              dir="auto"
              {...given('message', attributes)}
            />
          )}
        </Field>
        <div className="field-pair">
          <Field label="Type" hint="A word for the application, such as mention" error={problems.get('type')}>
            {(attributes) => <input {...line} spellCheck={false} {...given('type', attributes)} />}
          </Field>
          <Field label="Category" note="optional" hint="general, if absent" error={problems.get('category')}>
            {(attributes) => <input {...line} spellCheck={false} {...given('category', attributes)} />}
          </Field>
        </div>
        <div className="field-pair">
          <Field label="Priority" error={problems.get('priority')}>
            {(attributes) => (
              <select
                className="select"
                {...attributes}
                value={draft.priority}
                onChange={(event) => {
                  const priority = priorities.find((one) => one === event.target.value)
                  if (priority !== undefined) onChange({ ...draft, priority }, ['priority'])
                }}
              >
                {priorities.map((priority) => (
                  <option key={priority}>{priority}</option>
                ))}
              </select>
            )}
          </Field>
          <Field
            label="Expires"
            note="optional"
            hint="By the clock of this browser; not shown after it"
            error={problems.get('expiresAt')}
          >
            {(attributes) => (
              <input type="datetime-local" className="field-input" {...given('expiresAt', attributes)} />
            )}
          </Field>
        </div>
        <ActionFields
          actions={draft.actions}
          problems={problems}
          onChange={(actions, changed) => onChange({ ...draft, actions }, [changed])}
        />
        <Field
          label="Data"
          note="optional"
          hint="JSON for the application, such as { &quot;postId&quot;: &quot;post-17&quot; }"
          error={problems.get('data')}
        >
          {(attributes) => (
            <textarea
              className="field-input field-json"
              rows={2}
              spellCheck={false}
              autoCapitalize="off"
              {...given('data', attributes)}
            />
          )}
        </Field>
      </div>
    </Card>
  )
}

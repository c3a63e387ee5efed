/** Whom a notification concerns: one user, several, or everybody of a workspace. */
import { Card } from '../../components/Card.tsx'
import { Field } from '../../components/Field.tsx'
import { Segments } from '../../components/Segments.tsx'
import { plural } from '../../format.ts'
import { linesOf, type NotificationDraft, type Problems } from './draft.ts'
import { useUserSuggestions } from './user-suggestions.ts'

const options = [
  { value: 'user', text: 'One user' },
  { value: 'users', text: 'Several' },
  { value: 'workspace', text: 'Workspace' },
] as const

interface RecipientFieldsProps {
  readonly draft: NotificationDraft
  readonly problems: Problems
  readonly onChange: (next: NotificationDraft) => void
}

const idAttributes = {
  className: 'field-input',
  autoComplete: 'off',
  autoCapitalize: 'off',
  spellCheck: false,
  dir: 'auto',
} as const

export function RecipientFields({ draft, problems, onChange }: RecipientFieldsProps) {
  const error = problems.get('recipients')
  return (
    <Card
      title="To whom"
      actions={
        <Segments
          label="To whom"
          options={options}
          value={draft.audience}
          onChange={(audience) => onChange({ ...draft, audience })}
        />
      }
    >
      <div className="fields">
        {draft.audience === 'user' && <OneUser draft={draft} error={error} onChange={onChange} />}
        {draft.audience === 'users' && (
          <Field
            label="Ids of the users"
            hint={`One a line; ${plural(linesOf(draft.userIds).length, 'user')}`}
            error={error}
          >
            {(attributes) => (
              <textarea
                {...idAttributes}
                {...attributes}
                className="field-input field-lines"
                rows={4}
                value={draft.userIds}
                onChange={(event) => onChange({ ...draft, userIds: event.target.value })}
              />
            )}
          </Field>
        )}
        {draft.audience === 'workspace' && (
          <Field
            label="Id of the workspace"
            hint="Everybody who was ever connected as a member of it"
            error={error}
          >
            {(attributes) => (
              <input
                type="text"
                {...idAttributes}
                {...attributes}
                value={draft.workspaceId}
                onChange={(event) => onChange({ ...draft, workspaceId: event.target.value })}
              />
            )}
          </Field>
        )}
      </div>
    </Card>
  )
}

interface OneUserProps extends Pick<RecipientFieldsProps, 'draft' | 'onChange'> {
  readonly error: string | undefined
}

function OneUser({ draft, error, onChange }: OneUserProps) {
  const users = useUserSuggestions(draft.userId)
  const here = users.find(({ userId }) => userId === draft.userId)
  return (
    <Field
      label="Id of the user"
      hint={here === undefined ? undefined : standing(here.sessions)}
      error={error}
    >
      {(attributes) => (
        <>
          <input
            type="text"
            {...idAttributes}
            {...attributes}
            list={`${attributes.id}-list`}
            value={draft.userId}
            onChange={(event) => onChange({ ...draft, userId: event.target.value })}
          />
          <datalist id={`${attributes.id}-list`}>
            {users.map(({ userId }) => (
              <option key={userId} value={userId} />
            ))}
          </datalist>
        </>
      )}
    </Field>
  )
}

function standing(sessions: number): string {
  return sessions === 0 ? 'Not connected now' : `Connected now, with ${plural(sessions, 'session')}`
}

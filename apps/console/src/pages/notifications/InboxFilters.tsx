/** Which notifications of an inbox are listed. It stands in the address. */
import { Select } from '../../components/Select.tsx'
import { useSettled } from '../../components/settled.ts'
import { useQuery } from '../../router.tsx'
import { priorities } from './draft.ts'
import { stateChoices } from './StateBadge.tsx'

/** As the server is asked; empty: all. */
export interface InboxFilter {
  readonly state: string
  readonly priority: string
  readonly category: string
  readonly type: string
}

export interface InboxFilterControl {
  readonly written: InboxFilter
  /** What is written is asked for once somebody pauses. */
  readonly asked: InboxFilter
  set(name: keyof InboxFilter, next: string): void
  clear(): void
}

const names = ['state', 'priority', 'category', 'type'] as const

export function useInboxFilter(): InboxFilterControl {
  const [state, setState] = useQuery('state')
  const [priority, setPriority] = useQuery('priority')
  const [category, setCategory] = useQuery('category')
  const [type, setType] = useQuery('type')
  const askedCategory = useSettled(category.trim())
  const askedType = useSettled(type.trim())
  const setters = { state: setState, priority: setPriority, category: setCategory, type: setType }
  const chosen = {
    // The address may hold anything.
    state: stateChoices.some(({ value }) => value === state) ? state : '',
    priority: priorities.some((value) => value === priority) ? priority : '',
  }
  return {
    written: { ...chosen, category, type },
    asked: { ...chosen, category: askedCategory, type: askedType },
    set: (name, next) => setters[name](next),
    clear() {
      for (const name of names) setters[name]('')
    },
  }
}

export function isFiltered(filter: InboxFilter): boolean {
  return names.some((name) => filter[name] !== '')
}

export function InboxFilters({ filter: { written, set } }: { filter: InboxFilterControl }) {
  return (
    <>
      <Select
        label="State"
        value={written.state}
        options={[{ value: '', text: 'Every state' }, ...stateChoices]}
        onChange={(next) => set('state', next)}
      />
      <Select
        label="Priority"
        value={written.priority}
        options={[
          { value: '', text: 'Every priority' },
          ...priorities.map((value) => ({ value, text: value })),
        ]}
        onChange={(next) => set('priority', next)}
      />
      {(['category', 'type'] as const).map((name) => (
        <input
          key={name}
          type="search"
          className="field-input notification-filter"
          aria-label={words[name]}
          placeholder={words[name]}
          autoComplete="off"
          spellCheck={false}
          maxLength={50}
          value={written[name]}
          onChange={(event) => set(name, event.target.value)}
        />
      ))}
    </>
  )
}

const words = { category: 'Category', type: 'Type' } as const

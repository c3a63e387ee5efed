/** A search box that filters what is on the page. The key "/" goes to it. */

import { Search } from 'lucide-react'
import { useId } from 'react'
import './search-field.css'

interface SearchFieldProps {
  readonly label: string
  readonly value: string
  readonly onChange: (next: string) => void
  /** What one may mean, in the browser's own list. */
  readonly suggestions?: readonly string[]
}

export function SearchField({ label, value, onChange, suggestions }: SearchFieldProps) {
  const list = useId()
  return (
    <label className="search-field">
      <Search size="1rem" aria-hidden="true" />
      <span className="visually-hidden">{label}</span>
      <input
        type="search"
        data-page-search
        list={suggestions === undefined ? undefined : list}
        placeholder={label}
        value={value}
        autoComplete="off"
        spellCheck={false}
        onChange={(event) => onChange(event.target.value)}
        onKeyDown={(event) => {
          if (event.key === 'Escape') onChange('')
        }}
      />
      {suggestions !== undefined && (
        <datalist id={list}>
          {suggestions.map((suggestion) => (
            <option key={suggestion} value={suggestion} />
          ))}
        </datalist>
      )}
    </label>
  )
}

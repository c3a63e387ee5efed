/** A search box that filters what is on the page. The key "/" goes to it. */
import { Search } from 'lucide-react'
import './search-field.css'

interface SearchFieldProps {
  readonly label: string
  readonly value: string
  readonly onChange: (next: string) => void
}

export function SearchField({ label, value, onChange }: SearchFieldProps) {
  return (
    <label className="search-field">
      <Search size="1rem" aria-hidden="true" />
      <span className="visually-hidden">{label}</span>
      <input
        type="search"
        data-page-search
        placeholder={label}
        value={value}
        autoComplete="off"
        spellCheck={false}
        onChange={(event) => onChange(event.target.value)}
        onKeyDown={(event) => {
          if (event.key === 'Escape') onChange('')
        }}
      />
    </label>
  )
}

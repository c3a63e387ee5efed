/** One of many, in the browser's own list. */
import './select.css'

interface SelectProps {
  readonly label: string
  readonly value: string
  readonly options: readonly { readonly value: string; readonly text: string }[]
  readonly onChange: (next: string) => void
  readonly className?: string
}

/** Its label is for those who listen: what is chosen says the rest. */
export function Select({ label, value, options, onChange, className = '' }: SelectProps) {
  return (
    <select
      className={`select ${className}`}
      aria-label={label}
      value={value}
      onChange={(event) => onChange(event.target.value)}
    >
      {options.map((option) => (
        <option key={option.value} value={option.value}>
          {option.text}
        </option>
      ))}
    </select>
  )
}

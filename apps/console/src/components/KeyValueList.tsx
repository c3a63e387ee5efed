/** Facts, one a line: the name and the value. */
import type { ReactNode } from 'react'
import './key-value-list.css'

export interface Fact {
  readonly name: string
  readonly value: ReactNode
}

export function KeyValueList({ facts }: { facts: readonly Fact[] }) {
  return (
    <dl className="facts">
      {facts.map((fact) => (
        <div key={fact.name}>
          <dt>{fact.name}</dt>
          <dd className="figures">{fact.value}</dd>
        </div>
      ))}
    </dl>
  )
}

/** How much of their logs namespaces keep, as their contracts say, and for how long a client may be away therefore. */
import type { LogPolicy } from '@belfry/contract'
import type { ServedNamespace } from '../engine/namespace-handlers.ts'
import { defaultSessionBounds } from '../engine/ports/session-store.ts'

export class LogPolicies {
  readonly #policies: ReadonlyMap<string, LogPolicy>

  constructor(namespaces: readonly ServedNamespace[]) {
    this.#policies = new Map(namespaces.map(({ contract }) => [contract.name, contract.log]))
  }

  of(namespace: string): LogPolicy {
    return this.#policies.get(namespace) ?? {}
  }

  /** Half of what the longest log keeps: so that age alone trims nobody who may still come back. */
  get awayMsMax(): number {
    const ages = [...this.#policies.values()].map(({ ageMsMax = 0 }) => ageMsMax)
    return Math.max(defaultSessionBounds.detachedMsMax, ...ages.map((ageMs) => ageMs / 2))
  }
}

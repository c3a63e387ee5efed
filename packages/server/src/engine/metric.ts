/** Figures for Prometheus, as a module tells them when they are asked for. */
export interface MetricFamily {
  /** Such as `belfry_socket_connections`; a counter ends in `_total`. */
  readonly name: string
  readonly help: string
  readonly kind: 'counter' | 'gauge'
  readonly values: readonly MetricValue[]
}

export interface MetricValue {
  /** From contracts and fixed lists, never from clients: each combination is a series for ever. */
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

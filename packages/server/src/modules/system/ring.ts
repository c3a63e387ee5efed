/** The last `capacity` values, oldest first. */
export interface Ring<Value> {
  push(value: Value): void
  list(): Value[]
}

export function createRing<Value>(capacity: number): Ring<Value> {
  const values: Value[] = []
  /** Where the next value goes once the ring is full, which is where the oldest stands. */
  let oldest = 0
  return {
    push(value) {
      if (values.length < capacity) {
        values.push(value)
      } else {
        values[oldest] = value
        oldest = (oldest + 1) % capacity
      }
    },
    list: () => [...values.slice(oldest), ...values.slice(0, oldest)],
  }
}

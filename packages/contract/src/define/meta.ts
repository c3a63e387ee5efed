/**
 * What every event carries besides its payload: `_meta`, at the top level of the payload, so that the fields of the
 * application keep their places, and, for clients that recover, the cursor as the last argument (R2, R3).
 */
export interface EventMeta {
  /** The cursor of this event: `epoch.position`. Grows within an epoch; the same for every recipient. */
  readonly id: string
  /** When it was published; ISO 8601. */
  readonly at: string
}

/** A place in the log of a namespace. Offsets compare only within one epoch. */
export interface Position {
  readonly epoch: string
  /** 0 before the first event; then 1, 2, 3 … without gaps. */
  readonly offset: number
}

/** Bytes of a cursor on the wire, at most (R2): it travels with every event. */
export const cursorLengthMax = 24

const cursorShape = /^([0-9a-z]{1,7})\.(0|[1-9]\d{0,15})$/

export function formatCursor({ epoch, offset }: Position): string {
  return `${epoch}.${offset}`
}

/** `undefined` for anything that is no cursor of ours: then nothing is known of what the client has. */
export function parseCursor(value: unknown): Position | undefined {
  if (typeof value !== 'string' || value.length > cursorLengthMax) return undefined
  const parts = cursorShape.exec(value)
  const offset = Number(parts?.[2])
  if (parts?.[1] === undefined || !Number.isSafeInteger(offset)) return undefined
  return { epoch: parts[1], offset }
}

/** The place of a notification in a list that has the newest first, as text. */
import { Refusal } from '@belfry/contract'

export interface Place {
  readonly createdAt: Date
  readonly id: string
}

export function writeCursor({ createdAt, id }: Place): string {
  return `${createdAt.getTime()}.${id}`
}

const cursorShape = /^(\d{1,15})\.([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$/

export function readCursor(cursor: string): Place {
  const [, ms, id] = cursorShape.exec(cursor) ?? []
  if (ms === undefined || id === undefined) {
    const fields = [{ path: 'cursor', message: 'is none that this list gave' }]
    throw new Refusal('validation_failed', undefined, { fields })
  }
  return { createdAt: new Date(Number(ms)), id }
}

/** A session as somebody works on it: read from its row, changed, and made a row again. */
import type { Position, Room, SessionId, UserId } from '@belfry/contract'
import { copyOfMemberships, firstMemberships, type Memberships } from '../../../engine/memberships.ts'
import type { NewSession, NodeId, SessionOwner, StoredSession } from '../../../engine/ports/session-store.ts'
import type { SessionChange, SessionRow } from './statements.ts'

export interface Draft extends Memberships {
  readonly pid: string
  readonly id: SessionId
  readonly userId: UserId
  readonly namespace: string
  readonly start: Position
  node: NodeId
  generation: number
  detachedAtMs: number | undefined
}

export function draftOfNew({ rooms, ...start }: NewSession, roomsMax: number): Draft {
  const memberships = firstMemberships({ rooms, start: start.start }, roomsMax)
  return { ...start, generation: 1, detachedAtMs: undefined, ...memberships }
}

export function draftOf(row: SessionRow): Draft {
  return {
    pid: row.pid,
    id: row.id as SessionId,
    userId: row.userId as UserId,
    namespace: row.namespace,
    start: { epoch: row.startEpoch, offset: row.startOffset },
    node: row.node as NodeId,
    generation: row.generation,
    detachedAtMs: row.detachedAtMs ?? undefined,
    rooms: new Map((JSON.parse(row.rooms) as JoinedText[]).map(([room, ...at]) => [room, positionOf(at)])),
    left: (JSON.parse(row.roomsLeft) as LeftText[]).map(([room, epoch, offset, ...left]) => ({
      room,
      joined: { epoch, offset },
      left: positionOf(left),
    })),
    wholeFrom: { epoch: row.wholeEpoch, offset: row.wholeOffset },
  }
}

/** What is to be written, if there is anything. */
export function changeOf(
  before: SessionRow | undefined,
  draft: Draft | undefined,
): SessionChange | undefined {
  if (draft === undefined) return before && { before, after: undefined }
  const after = rowOf(draft, before?.version ?? 0)
  if (before === undefined) return { before, after }
  const names = Object.keys(after) as (keyof SessionRow)[]
  return names.some((name) => after[name] !== before[name]) ? { before, after } : undefined
}

export function storedOf(draft: Draft): StoredSession {
  return { ...draft, ...copyOfMemberships(draft) }
}

export function belongsTo(draft: Draft, { userId, namespace }: SessionOwner): boolean {
  return draft.userId === userId && draft.namespace === namespace
}

type PositionText = [epoch: string, offset: number]
type JoinedText = [room: Room, ...joined: PositionText]
type LeftText = [room: Room, ...joined: PositionText, ...left: PositionText]

function rowOf(draft: Draft, version: number): SessionRow {
  const { pid, id, userId, namespace, node, generation, start, wholeFrom } = draft
  const rooms = [...draft.rooms].map(([room, at]): JoinedText => [room, at.epoch, at.offset])
  const roomsLeft = draft.left.map(
    ({ room, joined, left }): LeftText => [room, joined.epoch, joined.offset, left.epoch, left.offset],
  )
  return {
    pid,
    id,
    userId,
    namespace,
    node,
    generation,
    version,
    startEpoch: start.epoch,
    startOffset: start.offset,
    wholeEpoch: wholeFrom.epoch,
    wholeOffset: wholeFrom.offset,
    rooms: JSON.stringify(rooms),
    roomsLeft: JSON.stringify(roomsLeft),
    detachedAtMs: draft.detachedAtMs ?? null,
  }
}

function positionOf([epoch, offset]: PositionText): Position {
  return { epoch, offset }
}

/** To whom an event goes: everybody, one workspace, one user, or any other room that the event may be published to. */
import type { PublishReply } from '@belfry/contract'
import { request } from '../../data/api.ts'

export type Audience = 'everyone' | 'workspace' | 'user' | 'room'

export interface Target {
  readonly audience: Audience
  /** Of the workspace, the user or the room. */
  readonly id: string
  /** Of a room. */
  readonly kind: string
}

export interface Publication {
  readonly namespace: string
  readonly event: string
  readonly data: unknown
}

/** What an event may be published to, by the kinds of rooms that its contract names. */
export function audiencesOf(rooms: readonly string[]): readonly Audience[] {
  const named = (['everyone', 'workspace', 'user'] as const).filter((audience) => rooms.includes(audience))
  return roomKindsOf(rooms).length > 0 ? [...named, 'room'] : named
}

/** Those that have no choice of their own come first. */
export function roomKindsOf(rooms: readonly string[]): readonly string[] {
  const own = ['workspace', 'user']
  const kinds = rooms.filter((kind) => kind !== 'everyone')
  return [...kinds.filter((kind) => !own.includes(kind)), ...kinds.filter((kind) => own.includes(kind))]
}

/** What is missing of the target; nothing if it is whole. */
export function problemOf({ audience, id }: Target): string | undefined {
  if (audience === 'everyone' || id !== '') return undefined
  return audience === 'user' ? 'Write the id of a user.' : `Write the id of a ${audience}.`
}

/** "everybody", "user ana", "episode:7"; "a user" until one is named. */
export function nameOf({ audience, id, kind }: Target): string {
  if (audience === 'everyone') return 'everybody'
  if (id === '') return `a ${audience}`
  return audience === 'room' ? `${kind}:${id}` : `${audience} ${id}`
}

export function publish({ audience, id, kind }: Target, publication: Publication): Promise<PublishReply> {
  const send = (path: string, body: object): Promise<PublishReply> =>
    request<PublishReply>(`/api/v1/socket/${path}`, { method: 'POST', body })
  if (audience === 'everyone') return send('broadcast', publication)
  if (audience === 'workspace') return send('broadcast', { ...publication, workspaceId: id })
  // `.` and `..` would be steps of the path, even when they are encoded; behind a kind they are not.
  if (audience === 'user' && !/^\.{1,2}$/.test(id)) return send(`notify-user/${encoded(id)}`, publication)
  return send(`notify-room/${encoded(`${audience === 'user' ? 'user' : kind}:${id}`)}`, publication)
}

/** Half of a pair, as a bad paste leaves it, cannot be encoded. */
function encoded(id: string): string {
  return encodeURIComponent(id.toWellFormed())
}

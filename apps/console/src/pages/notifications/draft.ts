/** A notification while somebody writes it, and what of it can be sent. It stays while they look at another page. */
import type { FieldError, Notification, SendNotificationInput } from '@belfry/contract'
import { session } from '../../data/session.ts'

type Audience = 'user' | 'users' | 'workspace'

/** Named once more: to import the list would bring the validator into the browser. */
export const priorities: readonly Notification['priority'][] = ['critical', 'high', 'normal', 'low']

export interface ActionDraft {
  /** Actions have no names while they are written: each has a number, so that its fields go when it goes. */
  readonly number: number
  readonly id: string
  readonly label: string
  readonly url: string
}

/** All as it stands in the fields. */
export interface NotificationDraft {
  readonly audience: Audience
  readonly userId: string
  /** One a line. */
  readonly userIds: string
  readonly workspaceId: string
  readonly type: string
  readonly title: string
  readonly message: string
  readonly category: string
  readonly priority: Notification['priority']
  /** By the clock of this browser, as its own field writes it: `2026-11-21T18:30`. */
  readonly expiresAt: string
  readonly data: string
  readonly actions: readonly ActionDraft[]
  /** Under which the server sends it once, however often it is asked to. */
  readonly key: string
}

/** By place in the request, as the server names them: `title`, `actions.0.url`. */
export type Problems = ReadonlyMap<string, string>

export function blankDraft(): NotificationDraft {
  return {
    audience: 'user',
    userId: '',
    userIds: '',
    workspaceId: '',
    type: '',
    title: '',
    message: '',
    category: '',
    priority: 'normal',
    expiresAt: '',
    data: '',
    actions: [],
    key: newKey(),
  }
}

/** Of 128 random bits; `randomUUID` would need https. */
export function newKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16))
  return `console-${[...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('')}`
}

let kept: NotificationDraft | undefined

session.subscribe(() => {
  if (session.get().state === 'signed-out') kept = undefined
})

export function keptDraft(): NotificationDraft {
  kept ??= blankDraft()
  return kept
}

export function keepDraft(draft: NotificationDraft): void {
  kept = draft
}

export function linesOf(text: string): readonly string[] {
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
}

/** The request; where a field holds no value yet, what is missing of it. All else is the server's to say. */
export function requestOf(
  draft: NotificationDraft,
  now: number,
): { readonly request: SendNotificationInput; readonly problems: Problems } {
  const problems = new Map<string, string>()
  const { type, title, message, category, priority, actions, key } = draft
  const data = readData(draft.data)
  if (typeof data === 'string') problems.set('data', data)
  const expiresAt = draft.expiresAt === '' ? undefined : new Date(draft.expiresAt)
  if (expiresAt !== undefined && !(expiresAt.getTime() > now))
    problems.set('expiresAt', 'This is over already.')
  const request = {
    ...recipientsOf(draft),
    type,
    title,
    priority,
    key,
    ...(message === '' ? {} : { message }),
    ...(category === '' ? {} : { category }),
    ...(expiresAt === undefined || problems.has('expiresAt') ? {} : { expiresAt: expiresAt.toISOString() }),
    ...(typeof data === 'string' ? {} : { data }),
    actions: actions.map(({ id, label, url }) => ({ id, label, ...(url === '' ? {} : { url }) })),
  }
  return { request, problems }
}

function recipientsOf({ audience, userId, userIds, workspaceId }: NotificationDraft) {
  if (audience === 'user') return { userId }
  if (audience === 'users') return { userIds: [...linesOf(userIds)] }
  return { workspaceId }
}

/** An object, or what is in the way of it. */
function readData(text: string): Record<string, unknown> | string {
  if (text.trim() === '') return {}
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value === 'object' && value !== null && !Array.isArray(value))
      return value as Record<string, unknown>
    return 'Data is an object: { … }.'
  } catch {
    return 'This is no JSON yet.'
  }
}

/** "user ana", "3 users", "workspace acme"; "a user" until one is named. */
export function nameOf({ audience, userId, userIds, workspaceId }: NotificationDraft): string {
  if (audience === 'users') {
    const count = linesOf(userIds).length
    return count === 1 ? '1 user' : `${count.toLocaleString('en-GB')} users`
  }
  const id = audience === 'user' ? userId : workspaceId
  return id === '' ? `a ${audience}` : `${audience} ${id}`
}

/** The places that have a field in the form. */
export const formPlaces =
  /^(recipients|type|title|message|category|priority|expiresAt|data|actions(\.[0-4]\.(id|label|url))?)$/

const recipientFields = ['userId', 'userIds', 'workspaceId']

/** Where the form shows what the server said of a place; all who get it are one field. */
export function placed(fields: readonly FieldError[]): Problems {
  const found = new Map<string, readonly string[]>()
  for (const { path, message } of fields) {
    const [first = '', second, ...rest] = path.replace(/^body\./, '').split('.')
    const isRecipient = recipientFields.includes(first)
    const place = isRecipient
      ? 'recipients'
      : first === 'actions'
        ? [first, second, ...rest].join('.')
        : first
    const said = isRecipient && second !== undefined ? `Line ${Number(second) + 1}: ${message}` : message
    found.set(place, [...(found.get(place) ?? []), said])
  }
  return new Map([...found].map(([place, messages]) => [place, sentenceOf(messages)]))
}

/** Of ten thousand ids, many may be wrong at once. */
const messagesShown = 3

function sentenceOf(messages: readonly string[]): string {
  const more = messages.length - messagesShown
  return [...messages.slice(0, messagesShown), ...(more > 0 ? [`And ${more} more.`] : [])].join(' ')
}

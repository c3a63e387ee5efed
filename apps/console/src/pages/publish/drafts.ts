/** What somebody wrote and has not sent stays while they look at another page, by event, until they sign out. */
import type { PublishableEvents } from '@belfry/contract'
import { session } from '../../data/session.ts'
import type { Draft } from './draft.ts'
import type { Mode } from './EventForm.tsx'
import type { Shape } from './shape.ts'

export interface WrittenDraft {
  readonly draft: Draft
  readonly mode: Mode
  /** Another one for every draft that does not come from the fields. */
  readonly epoch: number
}

export type PublishableEvent = PublishableEvents['namespaces'][number]['events'][number]

const written = new Map<string, WrittenDraft>()

session.subscribe(() => {
  if (session.get().state === 'signed-out') written.clear()
})

export function keyOf(namespace: string, { name }: PublishableEvent): string {
  return `${namespace} ${name}`
}

export function draftOf(key: string, event: PublishableEvent, shape: Shape): WrittenDraft {
  return (
    written.get(key) ?? { draft: event.example, mode: shape.kind === 'object' ? 'form' : 'json', epoch: 0 }
  )
}

export function keepDraft(key: string, draft: WrittenDraft): void {
  written.set(key, draft)
}

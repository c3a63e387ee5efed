/**
 * What tabs say to each other. There is a channel that all of them hear, and one for each tab, which only this tab and
 * its leader hear: on it everything comes in the order in which it was said.
 */
import type { EventMeta } from '@belfry/contract'
import type { ConnectionState, NamespaceState } from '../states.ts'

/** Part of the names of channels and locks: tabs that speak another version do not meet. */
export const protocolVersion = 1

export type ToAll =
  /** A tab that has no leader looks for one. */
  | { readonly kind: 'hello'; readonly tab: string }
  /** From now on. */
  | { readonly kind: 'leading'; readonly leader: string }

export type FromTab =
  | { readonly kind: 'use'; readonly namespace: string }
  | { readonly kind: 'leave'; readonly namespace: string }
  | {
      readonly kind: 'command'
      readonly namespace: string
      readonly id: number
      readonly name: string
      readonly payload: object
    }
  | { readonly kind: 'connect' }
  /** Is anybody there? */
  | { readonly kind: 'ask' }

export type FromLeader =
  | { readonly kind: 'welcome' }
  | { readonly kind: 'here' }
  | { readonly kind: 'connection'; readonly state: ConnectionState }
  | { readonly kind: 'namespace'; readonly namespace: string; readonly state: NamespaceState }
  | {
      readonly kind: 'event'
      readonly namespace: string
      readonly event: string
      readonly data: unknown
      readonly meta: EventMeta | undefined
    }
  | { readonly kind: 'answer'; readonly namespace: string; readonly id: number; readonly answer: unknown }
  /** It leads no more. */
  | { readonly kind: 'left' }

/** Who thinks that somebody else leads does not listen. */
export type Addressed = (FromTab | FromLeader) & { readonly leader: string }
export type Message = ToAll | Addressed

export interface Channel {
  post(message: Message): void
  close(): void
}

export function openChannel(
  name: string,
  hear: (message: Message) => void,
  onError: (error: unknown) => void,
): Channel {
  const channel = new BroadcastChannel(name)
  channel.onmessage = ({ data }: MessageEvent<unknown>) => {
    try {
      if (isMessage(data)) hear(data)
    } catch (error) {
      onError(error)
    }
  }
  return {
    post: (message) => channel.postMessage(message),
    close: () => channel.close(),
  }
}

/** The fields without which a message is none. */
const fieldsOf: Readonly<Record<Message['kind'], readonly string[]>> = {
  hello: ['tab'],
  leading: ['leader'],
  use: ['leader', 'namespace'],
  leave: ['leader', 'namespace'],
  command: ['leader', 'namespace', 'id', 'name', 'payload'],
  connect: ['leader'],
  ask: ['leader'],
  welcome: ['leader'],
  here: ['leader'],
  connection: ['leader', 'state'],
  namespace: ['leader', 'namespace', 'state'],
  event: ['leader', 'namespace', 'event', 'data'],
  answer: ['leader', 'namespace', 'id'],
  left: ['leader'],
}
/** Of fields; the others are texts. */
const types: Readonly<Record<string, string>> = {
  id: 'number',
  payload: 'object',
  state: 'object',
  data: 'object',
}

/** Any page of the origin may write into a channel: what is no message of ours is not heard. */
function isMessage(value: unknown): value is Message {
  if (typeof value !== 'object' || value === null) return false
  const fields = value as Record<string, unknown>
  const { kind } = fields
  if (typeof kind !== 'string' || !Object.hasOwn(fieldsOf, kind)) return false
  return fieldsOf[kind as Message['kind']].every(
    (name) => typeof fields[name] === (types[name] ?? 'string') && fields[name] !== null,
  )
}

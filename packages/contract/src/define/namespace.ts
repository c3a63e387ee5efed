/**
 * How an application says what travels over its sockets: namespaces with events (server to client) and commands
 * (client to server). Everything else follows from it: types on both sides, checks, documents, forms, mocks.
 *
 *   export const posts = defineNamespace({
 *     name: '/posts',
 *     summary: 'Posts and their way to publication.',
 *     durable: true,
 *     events: { 'post:created': stream(postSchema, { summary: 'A post was made.', rooms: ['workspace'] }) },
 *     commands: { 'post:view': command({ input: postReference, summary: 'Says that somebody looks at a post.' }) },
 *   })
 */
import { refuseBadLog, refuseMistakes } from './definition.ts'
import type { RoomKind } from './rooms.ts'
import type { InputOf, OutputOf, StandardSchema } from './standard-schema.ts'

/** How an event travels: see docs/spec/lanes in ARCHITECTURE.md's guarantees. */
export type Lane = 'stream' | 'latest' | 'pulse'

/** `server`: the code of its module alone, because the event tells of something that this code has done. */
export type Publisher = 'server' | 'anybody'

interface EventOptions {
  /** One sentence, for documents and forms. */
  readonly summary: string
  /** Kinds of rooms it may be published to; a publish to another kind does not compile, and is refused. */
  readonly rooms: readonly RoomKind[]
  /** What somebody needs to receive it, beyond being in the room. */
  readonly permission?: string
  /** Who publishes it: operators and other processes as well, if absent. */
  readonly by?: Publisher
  /** Of the payload as JSON. 16 KiB if absent. */
  readonly maxBytes?: number
  /**
   * Events of this name within the window leave together, in order: each client gets them in one write. Others of the
   * namespace overtake them. Of a key of the lane `latest`, only the newest leaves.
   */
  readonly batch?: { readonly windowMs: number; readonly countMax: number }
}

export interface EventContract<Data extends StandardSchema = StandardSchema>
  extends Required<Pick<EventOptions, 'summary' | 'rooms' | 'by' | 'maxBytes'>> {
  readonly lane: Lane
  readonly data: Data
  readonly permission: string | undefined
  readonly batch: EventOptions['batch'] | undefined
  /** Of the `latest` lane: which values replace each other. */
  readonly key: ((data: OutputOf<Data>) => string) | undefined
}

export interface CommandContract<
  Input extends StandardSchema | undefined = StandardSchema | undefined,
  Output extends StandardSchema | undefined = StandardSchema | undefined,
> {
  readonly summary: string
  /** Absent: the command is its name alone. */
  readonly input: Input
  /** Absent: the answer carries nothing but that it was done. */
  readonly output: Output
  readonly permission: string | undefined
  /** Of one user, over all sockets; the server's general limit if absent. */
  readonly ratePerSecond: number | undefined
  readonly maxBytes: number
  /** Levels of objects and lists in the input, the outermost object being the first. Deeper input is refused. */
  readonly depthMax: number
}

export const eventBytesMax = 16 * 1024
export const commandBytesMax = 64 * 1024
/** Forms and lists of things need four or five; what is deeper is more often an attack than an input. */
export const commandDepthMax = 8

/** Ordered, recovered after a cut, kept for slow readers. For what somebody must not miss. */
export function stream<Data extends StandardSchema>(data: Data, options: EventOptions): EventContract<Data> {
  return event('stream', data, options, undefined)
}

/** The newest value of each key; whoever comes late gets the current one. For progress, presence, counts. */
export function latest<Data extends StandardSchema>(
  data: Data,
  options: EventOptions & { readonly key: (data: OutputOf<Data>) => string },
): EventContract<Data> {
  return event('latest', data, options, options.key)
}

/** May be lost, and is dropped first. For typing and cursors. */
export function pulse<Data extends StandardSchema>(data: Data, options: EventOptions): EventContract<Data> {
  return event('pulse', data, options, undefined)
}

function event<Data extends StandardSchema>(
  lane: Lane,
  data: Data,
  options: EventOptions,
  key: EventContract<Data>['key'],
): EventContract<Data> {
  const { summary, rooms, permission, by = 'anybody', maxBytes = eventBytesMax, batch } = options
  return { lane, data, summary, rooms, permission, by, maxBytes, batch, key }
}

export function command<
  Input extends StandardSchema | undefined = undefined,
  Output extends StandardSchema | undefined = undefined,
>(options: {
  readonly summary: string
  readonly input?: Input
  readonly output?: Output
  readonly permission?: string
  readonly ratePerSecond?: number
  readonly maxBytes?: number
  readonly depthMax?: number
}): CommandContract<Input, Output> {
  const {
    summary,
    permission,
    ratePerSecond,
    maxBytes = commandBytesMax,
    depthMax = commandDepthMax,
  } = options
  const input = options.input as Input
  const output = options.output as Output
  return { summary, input, output, permission, ratePerSecond, maxBytes, depthMax }
}

export type Events = Readonly<Record<string, EventContract>>
export type Commands = Readonly<Record<string, CommandContract>>

/** What of its stream a namespace keeps for those who come back; whichever bound is reached first. */
export interface LogPolicy {
  readonly entriesMax?: number
  readonly bytesMax?: number
  readonly ageMsMax?: number
}

export interface NamespaceContract<
  Name extends `/${string}` = `/${string}`,
  E extends Events = Events,
  C extends Commands = Commands,
> {
  readonly name: Name
  readonly summary: string
  /** Whether stream events survive a crash of the server: they are stored before they are sent (R17). */
  readonly durable: boolean
  /** The server's own bounds for what is absent: of 10 minutes, or of a day where it is durable. */
  readonly log: LogPolicy
  /** What somebody needs to connect, beyond being signed in. */
  readonly permission: string | undefined
  readonly events: E
  readonly commands: C
}

export function defineNamespace<
  const Name extends `/${string}`,
  E extends Events,
  C extends Commands,
>(definition: {
  readonly name: Name
  readonly summary: string
  readonly durable?: boolean
  readonly log?: LogPolicy
  readonly permission?: string
  readonly events: E
  readonly commands: C
}): NamespaceContract<Name, E, C> {
  const { name, summary, durable = false, log = {}, permission, events, commands } = definition
  refuseMistakes(name, events, commands)
  refuseBadLog(name, log)
  return { name, summary, durable, log, permission, events, commands }
}

export type EventName<N> =
  N extends NamespaceContract<`/${string}`, infer E, Commands> ? keyof E & string : never
export type CommandName<N> =
  N extends NamespaceContract<`/${string}`, Events, infer C> ? keyof C & string : never

/** What a publisher gives. */
export type EventInput<N extends NamespaceContract, Name extends EventName<N>> = InputOf<
  N['events'][Name]['data']
>
/** What a listener gets, besides `_meta`. */
export type EventData<N extends NamespaceContract, Name extends EventName<N>> = OutputOf<
  N['events'][Name]['data']
>
/** What a client gives. */
export type CommandInput<N extends NamespaceContract, Name extends CommandName<N>> = InputOrNone<
  N['commands'][Name]['input']
>
/** What a handler gets. */
export type CommandData<N extends NamespaceContract, Name extends CommandName<N>> = DataOrNone<
  N['commands'][Name]['input']
>
export type CommandOutput<N extends NamespaceContract, Name extends CommandName<N>> = OutputOf<
  N['commands'][Name]['output']
>

/** The input of a command that takes none: absent, or an object without fields. */
export type NoInput = Readonly<Record<string, never>>
export type InputOrNone<Schema> = [Schema] extends [undefined] ? NoInput : InputOf<Schema>
export type DataOrNone<Schema> = [Schema] extends [undefined] ? NoInput : OutputOf<Schema>

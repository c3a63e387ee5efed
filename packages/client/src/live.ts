/** What an application holds of a namespace, typed by its contract. */
import type {
  CommandInput,
  CommandName,
  CommandOutput,
  EventData,
  EventMeta,
  EventName,
  EveryNamespace,
  NamespaceContract,
  NoInput,
} from '@belfry/contract'
import type { CommandOptions, WaitingCommand } from './commands.ts'
import type { ResetReason } from './link.ts'
import type { Session } from './session.ts'
import type { NamespaceState } from './states.ts'
import type { Readable } from './store.ts'

/** Its own, and those that every namespace has; for `sync:reset` there is `onReset`. */
export type LiveEvent<N extends NamespaceContract> =
  | EventName<N>
  | Exclude<EventName<EveryNamespace>, 'sync:reset'>
export type LiveCommand<N extends NamespaceContract> = CommandName<N> | CommandName<EveryNamespace>

export type LiveData<N extends NamespaceContract, Name extends LiveEvent<N>> =
  Name extends EventName<N>
    ? EventData<N, Name>
    : Name extends EventName<EveryNamespace>
      ? EventData<EveryNamespace, Name>
      : never

/** A command without input may be called with its name alone. */
export type LiveInput<N extends NamespaceContract, Name extends LiveCommand<N>> =
  InputOf<N, Name> extends NoInput
    ? [input?: NoInput, options?: CommandOptions]
    : [input: InputOf<N, Name>, options?: CommandOptions]

type InputOf<N extends NamespaceContract, Name extends LiveCommand<N>> =
  Name extends CommandName<N>
    ? OwnInput<N, Name>
    : Name extends CommandName<EveryNamespace>
      ? OwnInput<EveryNamespace, Name>
      : never

/** Where a definition names no schema, the compiler finds `undefined` or any schema at all, and never just one. */
type OwnInput<
  N extends NamespaceContract,
  Name extends CommandName<N>,
> = undefined extends N['commands'][Name]['input'] ? NoInput : CommandInput<N, Name>

export type LiveAnswer<N extends NamespaceContract, Name extends LiveCommand<N>> =
  Name extends CommandName<N>
    ? AnswerOf<N, Name>
    : Name extends CommandName<EveryNamespace>
      ? AnswerOf<EveryNamespace, Name>
      : never

/** A command without output answers that it was done, and nothing else. */
type AnswerOf<
  N extends NamespaceContract,
  Name extends CommandName<N>,
> = undefined extends N['commands'][Name]['output'] ? undefined : CommandOutput<N, Name>

/**
 * Opens at the first event that is listened to, or the first command; `state` alone opens nothing. After `close` it
 * may be used again.
 */
export interface Live<N extends NamespaceContract> extends Disposable {
  readonly state: Readable<NamespaceState>
  /** Before there is anything to listen to or to ask. */
  open(): void
  /** Returns the function that ends it. */
  on<Name extends LiveEvent<N>>(
    event: Name,
    listener: (data: LiveData<N, Name>, meta: EventMeta) => unknown,
  ): () => void
  /** Something was missed and will not come: fetch the current state, and enter rooms again. */
  onReset(listener: (reason: ResetReason) => unknown): () => void
  /** Rejects with a `CommandError`, or with the reason of the signal. */
  command<Name extends LiveCommand<N>>(
    command: Name,
    ...input: LiveInput<N, Name>
  ): Promise<LiveAnswer<N, Name>>
  /** Commands of the namespace that wait for a line: "3 changes are waiting". Opens nothing. */
  readonly waiting: Readable<readonly WaitingCommand[]>
  /** Ends its listeners. The last one of a namespace leaves it. */
  close(): void
}

export function createLive<N extends NamespaceContract>(session: Session): Live<N> {
  const ends = new Set<() => void>()
  let isUsed = false

  function use(): void {
    if (isUsed) return
    isUsed = true
    session.use()
  }
  function listening(end: () => void): () => void {
    use()
    const ended = () => {
      ends.delete(ended)
      end()
    }
    ends.add(ended)
    return ended
  }
  function close(): void {
    for (const end of ends) end()
    if (!isUsed) return
    isUsed = false
    session.release()
  }

  return {
    state: session.state,
    waiting: session.waiting,
    open: use,
    on: (event, listener) => listening(session.on(event, listener as Parameters<Session['on']>[1])),
    onReset: (listener) => listening(session.onReset(listener)),
    command(name, ...[input, options]) {
      use()
      return session.run(name, input as object | undefined, options) as Promise<LiveAnswer<N, typeof name>>
    },
    close,
    [Symbol.dispose]: close,
  }
}

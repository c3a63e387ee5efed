/**
 * How a module serves a namespace: the contract says what travels, the handlers say what happens.
 *
 *   serveNamespace(posts, {
 *     commands: { 'post:view': async ({ postId }, { session }) => { … } },
 *   })
 */
import type {
  CommandData,
  CommandName,
  CommandOutput,
  InputOf,
  NamespaceContract,
  RoomKind,
  RoomRef,
  SessionId,
} from '@belfry/contract'
import type { Awaitable } from './awaitable.ts'
import type { Principal } from './ports/token-verifier.ts'
import type { LeaveReason } from './ports/transport.ts'

/** A session as modules see it: who it is, where it is, and nothing of how it got here. */
export interface SessionView {
  readonly id: SessionId
  readonly principal: Principal
  /** True until the session ended. */
  readonly isOpen: boolean
  /** The client was away and is back, in its rooms, and gets what it missed; false: it begins anew. */
  readonly recovered: boolean
  /**
   * Puts it into a room of its namespace, at once, without asking whoever owns the kind: the module knows why. Who waits
   * knows that it is in the room also after a crash; who does not wait need not, a failure is in the log.
   */
  join(room: RoomRef): Awaitable<void>
  leave(room: RoomRef): Awaitable<void>
  isIn(room: RoomRef): boolean
  /** Aborted when the session ends. */
  readonly signal: AbortSignal
}

export interface CommandContext {
  readonly session: SessionView
}

export interface NamespaceHandlers<N extends NamespaceContract> {
  /** Before the client is let in; throws a `Refusal` to keep it outside. */
  admit?(principal: Principal): Awaitable<void>
  /** The client is in, and in the rooms of its user, workspaces and teams. */
  connect?(session: SessionView): Awaitable<void>
  /** Told once for every `connect`. */
  disconnect?(session: SessionView, reason: LeaveReason): Awaitable<void>
  /** After a client asked for a room and got it, or left one. */
  join?(session: SessionView, room: RoomRef): Awaitable<void>
  leave?(session: SessionView, room: RoomRef): Awaitable<void>
  readonly commands: {
    readonly [Name in CommandName<N>]: (
      input: CommandData<N, Name>,
      context: CommandContext,
    ) => Awaitable<CommandOutput<N, Name> extends never ? void : InputOf<N['commands'][Name]['output']>>
  }
}

/** A namespace with what serves it; the list of a module holds many shapes, each checked where it was made. */
export interface ServedNamespace {
  readonly contract: NamespaceContract
  readonly handlers: UntypedHandlers
}

export type UntypedHandlers = Omit<NamespaceHandlers<NamespaceContract>, 'commands'> & {
  readonly commands: Readonly<Record<string, (input: unknown, context: CommandContext) => unknown>>
}

export function serveNamespace<N extends NamespaceContract>(
  contract: N,
  handlers: NamespaceHandlers<N>,
): ServedNamespace {
  return { contract, handlers: handlers as unknown as UntypedHandlers }
}

/** Says who may be in the rooms of one kind; each kind belongs to one module. */
export interface RoomAuthority {
  readonly kind: RoomKind
  mayJoin(principal: Principal, id: string): Awaitable<boolean>
}

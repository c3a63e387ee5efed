/** Notes which handlers of the test's namespaces run, so that time does not move on while one of them works. */
import type { RoomAuthority, ServedNamespace } from 'belfry'

type AnyHandler = (...args: unknown[]) => unknown

export function watchNamespace(served: ServedNamespace, running: Set<object>): ServedNamespace {
  const { commands, ...others } = served.handlers
  const watchAll = (owner: object) =>
    Object.fromEntries(
      Object.entries(owner).map(([name, handler]) => [name, watched(handler as AnyHandler, owner, running)]),
    )
  return {
    contract: served.contract,
    handlers: { ...watchAll(others), commands: watchAll(commands) } as ServedNamespace['handlers'],
  }
}

export function watchRooms(authority: RoomAuthority, running: Set<object>): RoomAuthority {
  const mayJoin = watched(authority.mayJoin as AnyHandler, authority, running)
  return { kind: authority.kind, mayJoin: mayJoin as RoomAuthority['mayJoin'] }
}

function watched(handler: AnyHandler, owner: object, running: Set<object>): AnyHandler {
  return (...args) => {
    const result = handler.apply(owner, args)
    if (result instanceof Promise) {
      running.add(result)
      const ended = () => running.delete(result)
      result.then(ended, ended)
    }
    return result
  }
}

/** Notes which handlers of the test's namespaces run, so that time does not move on while one of them works. */
import type { RoomAuthority, ServedNamespace } from 'belfry'

export function watchNamespace(
  { contract, handlers }: ServedNamespace,
  running: Set<object>,
): ServedNamespace {
  return { contract, handlers: watched(handlers, running) }
}

export function watchRooms(authority: RoomAuthority, running: Set<object>): RoomAuthority {
  return watched(authority, running)
}

/** Also methods of a class are handlers: they are asked for when they are called, and called as they were meant. */
function watched<Owner extends object>(owner: Owner, running: Set<object>): Owner {
  return new Proxy(owner, {
    get(_, name) {
      const value: unknown = Reflect.get(owner, name, owner)
      if (typeof value === 'object' && value !== null) return watched(value, running)
      if (typeof value !== 'function') return value
      return (...args: unknown[]) => noted(Reflect.apply(value, owner, args), running)
    },
  })
}

function noted(result: unknown, running: Set<object>): unknown {
  if (!(result instanceof Promise)) return result
  running.add(result)
  const ended = () => running.delete(result)
  result.then(ended, ended)
  return result
}

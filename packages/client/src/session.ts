/** One namespace of a client: who listens, and which commands are under way. It stays when its link goes and comes. */
import type { EventMeta } from '@belfry/contract'
import type { Clock } from './clock.ts'
import { type Commands, createCommands, type Line } from './commands.ts'
import type { Links, ResetReason } from './link.ts'
import type { NamespaceState } from './states.ts'
import type { Readable } from './store.ts'

export type AnyListener = (data: unknown, meta: EventMeta) => unknown

export interface Session {
  readonly state: Readable<NamespaceState>
  on(event: string, listener: AnyListener): () => void
  onReset(listener: (reason: ResetReason) => unknown): () => void
  run: Commands['run']
  readonly waiting: Commands['waiting']
  /** One user more. The first one opens it. */
  use(): void
  /** One user less. The last one leaves the namespace, unless another one comes at once. */
  release(): void
}

export function createSession(
  name: string,
  links: Links,
  { clock, onError }: { readonly clock: Clock; readonly onError: (error: unknown) => void },
): Session {
  const listeners = new Map<string, Set<{ readonly listener: AnyListener }>>()
  let users = 0

  const link = links.link(name, tell)
  const { state } = link
  const commands = createCommands({ clock, onError, send: link.send })
  // The first who hears of a change: commands that waited for it are sent before those that others give because of it.
  state.subscribe(() => commands.line(lines[state.get().status]))

  function tell(event: string, data: unknown, meta?: EventMeta): void {
    const heardBy = listeners.get(event)
    for (const entry of [...(heardBy ?? [])]) {
      if (!heardBy?.has(entry)) continue
      try {
        const result = entry.listener(data, meta as EventMeta)
        if (result instanceof Promise) result.catch(onError)
      } catch (error) {
        onError(error)
      }
    }
  }

  function on(event: string, listener: AnyListener): () => void {
    const entry = { listener }
    const own = listeners.get(event) ?? new Set()
    listeners.set(event, own.add(entry))
    return () => {
      own.delete(entry)
    }
  }

  return {
    state,
    on,
    onReset: (listener) => on('sync:reset', (data) => listener((data as { reason: ResetReason }).reason)),
    run: commands.run,
    waiting: commands.waiting,
    use() {
      users += 1
      if (users === 1 && state.get().status === 'idle') link.open()
    },
    release() {
      users -= 1
      // React's StrictMode closes and opens again within one task.
      queueMicrotask(() => {
        if (users === 0 && state.get().status !== 'idle') link.close()
      })
    },
  }
}

const lines: Readonly<Record<NamespaceState['status'], Line>> = {
  idle: 'gone',
  opening: 'coming',
  open: 'up',
  waiting: 'down',
  refused: 'gone',
  ended: 'gone',
  closed: 'gone',
}

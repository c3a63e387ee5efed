/** Locks as a browser has them, in memory. */
import type { Locks } from '../tabs/locks.ts'

export interface MemoryLocks extends Locks {
  /** Names of those that are held. */
  held(): readonly string[]
  /** How many wait for it. */
  waiting(name: string): number
}

interface Request {
  readonly grant: () => Promise<void> | undefined
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
}

export function createMemoryLocks(): MemoryLocks {
  const holders = new Map<string, Request>()
  const queues = new Map<string, Request[]>()

  function next(name: string): void {
    if (holders.has(name)) return
    const request = queues.get(name)?.shift()
    if (request !== undefined) give(name, request)
  }

  function give(name: string, request: Request): void {
    holders.set(name, request)
    queueMicrotask(async () => {
      await request.grant()
      if (holders.get(name) !== request) return
      holders.delete(name)
      request.resolve()
      next(name)
    })
  }

  return {
    held: () => [...holders.keys()],
    waiting: (name) => queues.get(name)?.length ?? 0,
    request(name, { steal = false, signal }, grant) {
      return new Promise<void>((resolve, reject) => {
        const request = { grant, resolve, reject }
        if (steal) {
          holders.get(name)?.reject(new DOMException('Stolen.', 'AbortError'))
          give(name, request)
          return
        }
        const queue = queues.get(name) ?? []
        queues.set(name, queue)
        queue.push(request)
        signal?.addEventListener('abort', () => {
          const index = queue.indexOf(request)
          if (index === -1) return
          queue.splice(index, 1)
          reject(new DOMException('Aborted.', 'AbortError'))
        })
        next(name)
      })
    },
  }
}

/**
 * What goes on, a few times a second, for operators who watch: as much as somebody can read, and how much more there
 * was. A slow watcher misses entries and is told their number; nothing waits for it.
 */
import type { ActivityBatch } from '@belfry/contract'
import type { Clock } from '../../engine/ports/clock.ts'
import type { ActivityEntry, ActivityTap } from '../../engine/realtime/activity-tap.ts'

const batchMs = 250

/** Entries of one watcher that wait to be sent: nobody reads more in a quarter of a second. */
const entriesMax = 50

export interface ActivityStream {
  watch(signal: AbortSignal): AsyncIterable<ActivityBatch>
  close(): void
}

export function createActivityStream(options: { readonly clock: Clock; tap(): ActivityTap }): ActivityStream {
  const all = new AbortController()
  return {
    watch: (signal) => watchActivity(options.tap(), options.clock, AbortSignal.any([signal, all.signal])),
    close: () => all.abort(),
  }
}

async function* watchActivity(
  tap: ActivityTap,
  clock: Clock,
  signal: AbortSignal,
): AsyncGenerator<ActivityBatch> {
  let entries: ActivityEntry[] = []
  let left = 0
  const unwatch = tap.watch((entry) => {
    if (entries.length < entriesMax) entries.push(entry)
    else left += 1
  })
  try {
    while (await nextTick(clock, signal)) {
      if (entries.length === 0) continue
      const batch = { entries: entries.map(copyOf), left }
      entries = []
      left = 0
      yield batch
    }
  } finally {
    unwatch()
  }
}

/** False when the watcher went away. */
function nextTick(clock: Clock, signal: AbortSignal): Promise<boolean> {
  if (signal.aborted) return Promise.resolve(false)
  return new Promise((resolve) => {
    const finish = (goesOn: boolean) => {
      stop()
      signal.removeEventListener('abort', onAbort)
      resolve(goesOn)
    }
    const onAbort = () => finish(false)
    const stop = clock.every(batchMs, () => finish(true))
    signal.addEventListener('abort', onAbort, { once: true })
  })
}

function copyOf({ rooms, ...entry }: ActivityEntry): ActivityBatch['entries'][number] {
  return rooms === undefined ? entry : { ...entry, rooms: [...rooms] }
}

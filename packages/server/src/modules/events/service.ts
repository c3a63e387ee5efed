/** Publishes what other processes send: all of a request or nothing, and once, however often it comes. */
import { type PublishEventsReply, type PublishEventsRequest, Refusal } from '@belfry/contract'
import type { Database } from '../../engine/ports/database.ts'
import type { RequestKeys } from '../../engine/ports/request-keys.ts'
import type { Recipients } from '../../engine/realtime/dispatcher.ts'
import type { Realtime } from '../../engine/realtime/realtime.ts'

export interface EventsOptions {
  readonly database: Database
  readonly keys: RequestKeys
  /** Asked for when it is needed: the engine is made of the modules. */
  realtime(): Realtime
}

export interface EventsService {
  publish(request: PublishEventsRequest, publisher: string): Promise<PublishEventsReply>
}

export function createEventsService({ database, keys, realtime }: EventsOptions): EventsService {
  return {
    publish({ events, key }, publisher) {
      return database.transaction(async (transaction) => {
        const published = events.length
        if (key !== undefined) {
          const claim = { purpose: 'events', sender: publisher, key, request: events, answer: null }
          const [claimed] = await keys.claim(transaction, [claim])
          if (claimed?.outcome === 'reused') throw new Refusal('key_reused')
          if (claimed?.outcome === 'repeated') return { published, repeated: true }
        }
        await enqueueAll(events, (event) => realtime().publishNamedIn(transaction, ...event))
        return { published, repeated: false }
      })
    },
  }
}

type NamedEvent = [namespace: string, name: string, data: unknown, to: Recipients]

/**
 * All are given to the database in this order without waiting, so that many cost one way there and back. Where one is
 * refused, those before it have to be through before the transaction ends.
 */
async function enqueueAll(
  events: PublishEventsRequest['events'],
  enqueue: (event: NamedEvent) => Promise<void>,
): Promise<void> {
  const enqueued: Promise<void>[] = []
  for (const [index, { namespace, event, data, rooms, except }] of events.entries()) {
    try {
      enqueued.push(enqueue([namespace, event, data, { rooms, except }]))
    } catch (error) {
      await Promise.allSettled(enqueued)
      throw pointInto(index, error)
    }
  }
  await Promise.all(enqueued)
}

/** The engine names fields of the payload; who sent the request knows them by their place in its body. */
function pointInto(index: number, error: unknown): unknown {
  if (!(error instanceof Refusal)) return error
  const place = `body.events.${index}`
  const named = error.fields?.map(({ path, message }) => {
    if (path === 'rooms') return { path: `${place}.rooms`, message }
    return { path: path === '' ? `${place}.data` : `${place}.data.${path}`, message }
  })
  const fields = named ?? [{ path: place, message: error.message }]
  return new Refusal(error.code, error.message, { fields, cause: error })
}

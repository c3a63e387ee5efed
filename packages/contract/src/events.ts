/** Publishing from other processes: whatever a program has to tell, as events that the contracts know. */
import { z } from 'zod'
import { roomIdLengthMax, roomIdShape, roomKindShape } from './define/rooms.ts'

export const roomReference = z.object({
  kind: z.string().regex(roomKindShape),
  id: z.string().min(1).max(roomIdLengthMax).regex(roomIdShape),
})

/** Who may publish from outside. */
export const publishPermission = 'events:publish'

export const publication = z.object({
  namespace: z.string().max(128),
  event: z.string().max(128),
  /** As the contract of the event says. */
  data: z.record(z.string(), z.unknown()),
  rooms: z.array(roomReference).min(1).max(1_000),
  /** Whoever is in one of these gets nothing. */
  except: z.array(roomReference).max(1_000).default([]),
})

export const publicationsMax = 100

export const publishEventsRequest = z.object({
  /** All of them are published, or none. */
  events: z.array(publication).min(1).max(publicationsMax),
  /** Of your making: a request that comes again with the same key within a day publishes nothing more. */
  key: z.string().min(1).max(200).optional(),
})

export const publishEventsReply = z.object({
  /** How many; with `repeated`, those of the first request. */
  published: z.int(),
  repeated: z.boolean(),
})

export type Publication = z.infer<typeof publication>
export type PublishEventsRequest = z.infer<typeof publishEventsRequest>
export type PublishEventsReply = z.infer<typeof publishEventsReply>

/** Events as packets: with `_meta` inside, and the cursor that a client keeps (R2 to R4). */
import { formatCursor, type Position } from '@belfry/contract'
import type { PublishedEntry } from '../ports/broker.ts'
import type { Clock } from '../ports/clock.ts'
import type { LogEntry } from '../ports/log.ts'
import type { OutgoingEvent, Packet, Transport } from '../ports/transport.ts'
import type { PastEvent } from './history.ts'
import type { LatestValue } from './latest-values.ts'
import type { NamespaceState, ServedEvent } from './namespace-state.ts'
import { withMeta } from './payload.ts'
import type { Session } from './session.ts'

export class Packing {
  readonly #clock: Clock
  readonly #transport: () => Transport

  constructor({ clock, transport }: { readonly clock: Clock; transport(): Transport }) {
    this.#clock = clock
    this.#transport = transport
  }

  event(namespace: string, entry: PublishedEntry, cursor: string, { contract }: ServedEvent): Packet {
    return this.#transport().pack({
      namespace,
      name: entry.name,
      data: withMeta(entry.data, cursor, isoTime(entry.atMs)),
      attachments: entry.attachments,
      cursor,
      lane: contract.lane,
      key: entry.key,
    })
  }

  latest(namespace: NamespaceState, { name, key, json, attachments, at }: LatestValue): Packet {
    const { cursor } = namespace
    return this.#transport().pack({
      namespace: namespace.name,
      name,
      data: withMeta(json, cursor, at),
      attachments,
      cursor,
      lane: 'latest',
      key,
    })
  }

  /** What a session is told alone: it is in no log, and carries the place at which the session is. */
  own(session: Session, name: string, data: object): Packet {
    return this.#transport().pack(this.ownEvent(session, name, data))
  }

  ownEvent({ namespace, cursor }: Session, name: string, data: object): OutgoingEvent {
    return {
      namespace: namespace.name,
      name,
      data: withMeta(JSON.stringify(data), cursor, isoTime(this.#clock.now())),
      attachments: [],
      cursor,
      lane: 'stream',
      key: undefined,
    }
  }

  /** An event of the log for those who missed it: the same bytes that the others got. */
  past(namespace: NamespaceState, position: Position, entry: LogEntry): PastEvent {
    const event = namespace.events.get(entry.name)
    let packet: Packet | undefined
    return {
      offset: position.offset,
      entry,
      permission: event?.contract.permission,
      packet: () => {
        if (event !== undefined) packet ??= this.event(namespace.name, entry, formatCursor(position), event)
        return packet
      },
    }
  }
}

export function isoTime(ms: number): string {
  return new Date(ms).toISOString()
}

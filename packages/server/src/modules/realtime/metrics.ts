/** What Prometheus gets of sockets, events and commands (A-26, A-32, B-15). */
import type { MetricFamily, MetricValue } from '../../engine/metric.ts'
import type { EventCount } from '../../engine/realtime/counters.ts'
import type { Realtime } from '../../engine/realtime/realtime.ts'

/** Who wants to come in, and what became of it. */
export interface AdmissionView {
  /** At the moment; `unread`: those of whom nothing was read yet. */
  readonly waiting: number
  readonly unread: number
  readonly atOnce: number
  readonly later: number
  readonly refused: number
  readonly gone: number
  /** How long the one had waited that was let in last. */
  readonly waitedMs: number
}

export function realtimeMetrics(
  realtime: Realtime,
  queuedBytes: number,
  admission: AdmissionView,
): readonly MetricFamily[] {
  return [
    ...socketMetrics(realtime, queuedBytes),
    ...admissionMetrics(admission),
    ...recoveryMetrics(realtime),
    ...eventMetrics(realtime),
    ...commandMetrics(realtime),
  ]
}

function admissionMetrics(admission: AdmissionView): MetricFamily[] {
  const { waiting, unread, atOnce, later, refused, gone, waitedMs } = admission
  return [
    gauge(
      'belfry_socket_admission_waiting',
      'Handshakes and sessions that wait to be let in, and connections that were not read yet.',
      labelled('what', Object.entries({ newcomers: waiting, unread })),
    ),
    gauge('belfry_socket_admission_wait_seconds', 'How long the last one that waited had waited.', [
      { labels: {}, value: waitedMs / 1_000 },
    ]),
    counter(
      'belfry_socket_admission_total',
      'Handshakes and sessions that asked to be let in, by what became of it.',
      labelled('outcome', Object.entries({ at_once: atOnce, later, refused, gone })),
    ),
  ]
}

function socketMetrics(realtime: Realtime, queuedBytes: number): MetricFamily[] {
  const transports = { websocket: 0, polling: 0 }
  for (const { connection } of realtime.connections) transports[connection.transport] += 1
  const { opened, closed, refused } = realtime.counts
  return [
    gauge(
      'belfry_socket_connections',
      'Connections that are open.',
      labelled('transport', Object.entries(transports)),
    ),
    gauge(
      'belfry_socket_sessions',
      'Sessions that are open, by namespace.',
      labelled(
        'namespace',
        [...realtime.namespaces.values()].map(({ name, sessionCount }) => [name, sessionCount]),
      ),
    ),
    gauge('belfry_socket_users', 'Users who are connected.', [{ labels: {}, value: realtime.users.size }]),
    gauge('belfry_socket_queued_bytes', 'Bytes that wait for clients to read.', [
      { labels: {}, value: queuedBytes },
    ]),
    counter('belfry_socket_opened_total', 'Connections that were opened.', [{ labels: {}, value: opened }]),
    counter('belfry_socket_closed_total', 'Connections that ended, by reason.', labelled('reason', closed)),
    counter(
      'belfry_socket_refused_total',
      'Connections and sessions refused, by code.',
      labelled('code', refused),
    ),
    counter(
      'belfry_socket_suspicious_total',
      'What looked like an attack or a broken client, by reason.',
      labelled('reason', realtime.suspicions.seen),
    ),
  ]
}

function recoveryMetrics({ recoveries, namespaces }: Realtime): MetricFamily[] {
  const { recovered, resets } = recoveries
  const all = [...namespaces.values()]
  return [
    counter('belfry_recovered_total', 'Sessions that came back and got everything that they had missed.', [
      { labels: {}, value: recovered },
    ]),
    counter(
      'belfry_replayed_total',
      'Copies of events that were sent to clients which had missed them, or read slowly, by namespace.',
      labelled(
        'namespace',
        all.map(({ name, replayed }) => [name, replayed]),
      ),
    ),
    counter(
      'belfry_resets_total',
      'Clients that came back and were told that they had missed something, by reason.',
      labelled('reason', resets),
    ),
    gauge(
      'belfry_sessions_behind',
      'Sessions that read the log, since they are back or read slowly, by namespace.',
      labelled(
        'namespace',
        all.map(({ name, behind }) => [name, behind.size]),
      ),
    ),
    counter(
      'belfry_sessions_fell_behind_total',
      'Sessions that read more slowly than events were published, by namespace.',
      labelled(
        'namespace',
        all.map(({ name, fellBehind }) => [name, fellBehind]),
      ),
    ),
  ]
}

function eventMetrics(realtime: Realtime): MetricFamily[] {
  const counts = realtime.counters.list().filter(({ kind }) => kind === 'event')
  const values = (pick: (count: EventCount) => number) =>
    counts.map((count) => ({ labels: { namespace: count.namespace, event: count.name }, value: pick(count) }))
  return [
    counter(
      'belfry_events_published_total',
      'Events that were published.',
      values(({ count }) => count),
    ),
    counter(
      'belfry_events_delivered_total',
      'Copies that were sent.',
      values(({ deliveries }) => deliveries),
    ),
    counter(
      'belfry_events_bytes_total',
      'Bytes of the events, one copy each.',
      values(({ bytes }) => bytes),
    ),
  ]
}

function commandMetrics(realtime: Realtime): MetricFamily[] {
  const counts = realtime.counters.list().filter(({ kind }) => kind === 'command')
  const labelsOf = ({ namespace, name }: EventCount) => ({ namespace, command: name })
  return [
    counter(
      'belfry_commands_total',
      'Commands that came.',
      counts.map((count) => ({ labels: labelsOf(count), value: count.count })),
    ),
    counter(
      'belfry_command_seconds_total',
      'Time that handlers took.',
      counts.map((count) => ({ labels: labelsOf(count), value: count.handlerMs / 1_000 })),
    ),
    counter(
      'belfry_command_errors_total',
      'Commands that were refused or failed, by code.',
      counts.flatMap((count) =>
        Object.entries(count.errors).map(([code, value]) => ({
          labels: { ...labelsOf(count), code },
          value,
        })),
      ),
    ),
  ]
}

function gauge(name: string, help: string, values: readonly MetricValue[]): MetricFamily {
  return { name, help, kind: 'gauge', values }
}

function counter(name: string, help: string, values: readonly MetricValue[]): MetricFamily {
  return { name, help, kind: 'counter', values }
}

function labelled(label: string, counts: Iterable<readonly [string, number]>): MetricValue[] {
  return [...counts].map(([text, value]) => ({ labels: { [label]: text }, value }))
}

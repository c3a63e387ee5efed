/** What has to be true of the database after whatever happened to it. */
import { expect } from 'vitest'
import { query } from './kills.ts'
import type { Senders } from './senders.ts'

/** Each to whom it was sent has it, under the id that was answered, and nobody anything else. */
export async function everySendIsStoredOnce(dataDirectory: string, { sent }: Senders): Promise<void> {
  const rows = await query<{ title: string; id: string; users: string[] }>(
    dataDirectory,
    'select title, id, array_agg(user_id) as users from notifications group by title, id',
  )
  const stored = new Map(rows.map(({ title, id, users: to }) => [`${title} ${id}`, to.toSorted().join()]))
  const lost = sent.filter(({ key, id, users: to }) => stored.get(`${key} ${id}`) !== to.toSorted().join())
  expect(
    lost,
    `${lost.length} of ${sent.length} acknowledged sends are not stored as they were acknowledged`,
  ).toEqual([])
  // One more would be a send that was stored twice under two ids, or that nobody made.
  expect(stored.size).toBe(sent.length)
}

/** What people see of their inbox is what is in it. */
export async function countsAreRight(dataDirectory: string, url: string): Promise<void> {
  const wrong = await query(
    dataDirectory,
    `select user_id, unread, counted from notification_inboxes full join (
      select user_id, count(*) filter (where read_at is null) as counted from notifications group by user_id
    ) really using (user_id) where unread is distinct from counted`,
  )
  expect(wrong, 'counts that are not what they count').toEqual([])
  const metrics = await (await fetch(`${url}/metrics`)).text()
  expect(metrics).toMatch(/^belfry_notification_counts_wrong_total 0$/m)
}

/** Every position has one entry, and every event one position. */
export async function logIsWhole(dataDirectory: string, { sent, published }: Senders): Promise<void> {
  const logs = await query<{ head: string; entries: string; first: string; last: string }>(
    dataDirectory,
    `select head, count(*) as entries, min(position) as first, max(position) as last
      from event_logs join event_log_entries on log_id = id group by namespace, head`,
  )
  expect(logs).toHaveLength(2)
  for (const log of logs)
    expect(log).toEqual({ head: log.entries, entries: log.entries, first: '1', last: log.entries })
  expect(await query(dataDirectory, 'select * from event_outbox')).toEqual([])
  const rows = await query<{ name: string; id: string; times: string }>(
    dataDirectory,
    `select name, data::json->>'id' as id, count(*) as times from event_log_entries
      where name in ('notification:new', 'happening:noted') group by 1, 2`,
  )
  expect(rows.filter(({ times }) => times !== '1')).toEqual([])
  const logged = new Set(rows.map(({ name, id }) => `${name} ${id}`))
  const missing = [
    ...sent.map(({ id }) => `notification:new ${id}`),
    ...published.flatMap(({ ids }) => ids.map((id) => `happening:noted ${id}`)),
  ].filter((entry) => !logged.has(entry))
  expect(missing, `${missing.length} events are not in the log`).toEqual([])
  expect(logged.size).toBe(sent.length + published.reduce((sum, { ids }) => sum + ids.length, 0))
}

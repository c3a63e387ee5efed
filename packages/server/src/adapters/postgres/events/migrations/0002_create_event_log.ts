import type { Migration } from '../../../../engine/migration.ts'

/**
 * The outbox holds what was committed and has no position yet: a few rows for a few milliseconds. It is cleaned often,
 * since every relaying looks at its beginning.
 */
export const createEventLog: Migration = {
  id: '0002_create_event_log',
  up: `
    create table event_logs (
      id integer primary key generated always as identity,
      namespace text not null unique,
      epoch text not null,
      head bigint not null default 0,
      floor bigint not null default 1,
      bytes bigint not null default 0
    ) with (fillfactor = 50);

    create table event_log_entries (
      log_id integer not null references event_logs (id) on delete cascade,
      position bigint not null,
      name text not null,
      rooms text[] not null,
      except_rooms text[] not null,
      data text not null,
      attachments bytea[] not null,
      published_at_ms bigint not null,
      appended_at timestamptz not null,
      bytes integer not null,
      primary key (log_id, position)
    );

    create table event_outbox (
      id bigint primary key generated always as identity,
      namespace text not null,
      name text not null,
      rooms text[] not null,
      except_rooms text[] not null,
      data text not null,
      attachments bytea[] not null,
      published_at_ms bigint not null,
      bytes integer not null
    ) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000);
    create index event_outbox_namespace on event_outbox (namespace, id);
  `,
  down: `
    drop table event_outbox;
    drop table event_log_entries;
    drop table event_logs;
  `,
}

import type { Migration } from '../../../../engine/migration.ts'

/**
 * How many sessions are away, and how many departures there were, stands in a row of its own: to count them would take
 * longer than to store them.
 */
export const createSessions: Migration = {
  id: '0009_create_sessions',
  up: `
    create table sessions (
      pid text primary key,
      id text not null,
      user_id text not null,
      namespace text not null,
      node text not null,
      generation bigint not null,
      version bigint not null,
      start_epoch text not null,
      start_offset bigint not null,
      whole_epoch text not null,
      whole_offset bigint not null,
      rooms json not null,
      rooms_left json not null,
      detached_at_ms bigint,
      departure bigint,
      check ((detached_at_ms is null) = (departure is null))
    ) with (fillfactor = 80);
    create index sessions_user on sessions (user_id, namespace);
    create index sessions_attached on sessions (node) where detached_at_ms is null;
    create index sessions_away on sessions (detached_at_ms, departure) where detached_at_ms is not null;

    create table session_totals (
      is_only boolean primary key default true check (is_only),
      away bigint not null default 0,
      departures bigint not null default 0
    ) with (fillfactor = 50);
    insert into session_totals default values;

    create table session_nodes (
      node text primary key,
      heard_at_ms bigint not null
    );
  `,
  down: `
    drop table session_nodes;
    drop table session_totals;
    drop table sessions;
  `,
}

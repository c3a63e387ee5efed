import type { Migration } from '../../../engine/migration.ts'

/**
 * A notification has one id for all who got it, so that one event tells all of them; each has a row of their own. Users
 * are whoever tokens name: there is no table of them to refer to. The index of an inbox holds all that a list is filtered
 * by, so that ten thousand rows that do not match are passed over without being read.
 */
export const createNotifications: Migration = {
  id: '0004_create_notifications',
  up: `
    create table notifications (
      id uuid not null default gen_random_uuid(),
      user_id text not null,
      workspace_id text,
      type varchar(50) not null,
      category varchar(50) not null default 'general',
      priority varchar(20) not null default 'normal',
      title varchar(255) not null,
      message text,
      data jsonb not null default '{}',
      actions jsonb not null default '[]',
      read_at timestamptz,
      dismissed_at timestamptz,
      expires_at timestamptz,
      created_at timestamptz not null default now(),
      updated_at timestamptz not null default now(),
      primary key (user_id, id)
    );
    create index idx_notifications_inbox on notifications (user_id, created_at desc, id desc)
      include (read_at, type, category, priority, expires_at)
      where dismissed_at is null;
    create index idx_notifications_user_read on notifications (user_id, read_at);
    create index idx_notifications_created on notifications using brin (created_at);
    create index idx_notifications_expires on notifications (expires_at) where expires_at is not null;

    create table notification_inboxes (
      user_id text primary key,
      unread integer not null check (unread >= 0),
      revision bigint not null
    ) with (fillfactor = 80);

    create table notification_keys (
      sender text not null,
      key text not null,
      fingerprint bytea not null,
      notification_id uuid not null,
      recipients integer not null,
      sent_at timestamptz not null,
      primary key (sender, key)
    );
    create index notification_keys_sent_at on notification_keys (sent_at);

    create table workspace_users (
      workspace_id text not null,
      user_id text not null,
      seen_at timestamptz not null,
      primary key (workspace_id, user_id)
    );
  `,
  down: `
    drop table workspace_users;
    drop table notification_keys;
    drop table notification_inboxes;
    drop table notifications;
  `,
}

import type { Migration } from '../../../engine/migration.ts'

/**
 * What operators look at. A row for each send, so that what was sent lately is known without reading the rows of all who
 * got it, and also when they deleted theirs. The primary key begins with the notification: its users are one piece of
 * the index, in which a send writes in one place. Dismissed ones have an index like that of the inbox: each row is in
 * one of the two.
 */
export const createNotificationSends: Migration = {
  id: '0008_create_notification_sends',
  up: `
    create table notification_sends (
      id uuid primary key,
      sender text not null,
      type varchar(50) not null,
      category varchar(50) not null,
      priority varchar(20) not null,
      title varchar(255) not null,
      workspace_id text,
      recipients integer not null,
      expires_at timestamptz,
      created_at timestamptz not null
    );
    create index notification_sends_created on notification_sends (created_at desc, id desc);
    insert into notification_sends
    select id, '', min(type), min(category), min(priority), min(title), min(workspace_id), count(*), min(expires_at),
      min(created_at)
    from notifications group by id;

    alter table notifications drop constraint notifications_pkey;
    alter table notifications add constraint notifications_pkey primary key (id, user_id);
    create index notifications_read on notifications (id) where read_at is not null;
    create index notifications_dismissed on notifications (user_id, created_at desc, id desc)
      include (read_at, type, category, priority, expires_at)
      where dismissed_at is not null;
  `,
  down: `
    drop index notifications_dismissed;
    drop index notifications_read;
    alter table notifications drop constraint notifications_pkey;
    alter table notifications add constraint notifications_pkey primary key (user_id, id);
    drop table notification_sends;
  `,
}

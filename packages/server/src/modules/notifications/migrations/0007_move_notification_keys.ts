import type { Migration } from '../../../engine/migration.ts'

export const moveNotificationKeys: Migration = {
  id: '0007_move_notification_keys',
  up: `
    insert into request_keys (purpose, sender, key, fingerprint, answer, claimed_at)
    select 'notifications', sender, key, fingerprint,
      jsonb_build_object('id', notification_id, 'recipients', recipients), sent_at
    from notification_keys;
    drop table notification_keys;
  `,
  down: `
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
    with moved as (delete from request_keys where purpose = 'notifications' returning *)
    insert into notification_keys (sender, key, fingerprint, notification_id, recipients, sent_at)
    select sender, key, fingerprint, (answer ->> 'id')::uuid, (answer ->> 'recipients')::integer, claimed_at
    from moved;
  `,
}

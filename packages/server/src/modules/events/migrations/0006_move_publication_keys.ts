import type { Migration } from '../../../engine/migration.ts'

export const movePublicationKeys: Migration = {
  id: '0006_move_publication_keys',
  up: `
    insert into request_keys (purpose, sender, key, fingerprint, answer, claimed_at)
    select 'events', publisher, key, fingerprint, 'null', published_at from publication_keys;
    drop table publication_keys;
  `,
  down: `
    create table publication_keys (
      publisher text not null,
      key text not null,
      fingerprint bytea not null,
      published_at timestamptz not null,
      primary key (publisher, key)
    );
    create index publication_keys_published_at on publication_keys (published_at);
    with moved as (delete from request_keys where purpose = 'events' returning *)
    insert into publication_keys (publisher, key, fingerprint, published_at)
    select sender, key, fingerprint, claimed_at from moved;
  `,
}

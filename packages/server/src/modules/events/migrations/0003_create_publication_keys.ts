import type { Migration } from '../../../engine/migration.ts'

/** Keys belong to whoever made them: nobody finds out, or blocks, the keys of others. */
export const createPublicationKeys: Migration = {
  id: '0003_create_publication_keys',
  up: `
    create table publication_keys (
      publisher text not null,
      key text not null,
      fingerprint bytea not null,
      published_at timestamptz not null,
      primary key (publisher, key)
    );
    create index publication_keys_published_at on publication_keys (published_at);
  `,
  down: `
    drop table publication_keys;
  `,
}

import type { Migration } from '../../../../engine/migration.ts'

/** One table for what modules kept in tables of their own. */
export const createRequestKeys: Migration = {
  id: '0005_create_request_keys',
  up: `
    create table request_keys (
      purpose text not null,
      sender text not null,
      key text not null,
      fingerprint bytea not null,
      answer jsonb not null,
      claimed_at timestamptz not null,
      primary key (purpose, sender, key)
    );
    create index request_keys_claimed_at on request_keys (claimed_at);
  `,
  down: `
    drop table request_keys;
  `,
}

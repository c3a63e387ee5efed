import type { Migration } from '../../../engine/migration.ts'

/**
 * Of a token only its SHA-256 is stored: who reads the table, or a backup of it, can sign in with nothing.
 * The name is `operator_sessions` because a session, in Belfry, is a user's place on a namespace.
 */
export const createSignInLinksAndSessions: Migration = {
  id: '0001_create_sign_in_links_and_sessions',
  up: `
    create table sign_in_links (
      token_hash bytea primary key check (octet_length(token_hash) = 32),
      name text not null,
      roles text[] not null,
      created_at timestamptz not null,
      expires_at timestamptz not null
    );
    create index sign_in_links_expires_at on sign_in_links (expires_at);

    create table operator_sessions (
      token_hash bytea primary key check (octet_length(token_hash) = 32),
      name text not null,
      roles text[] not null,
      created_at timestamptz not null,
      expires_at timestamptz not null
    );
    create index operator_sessions_expires_at on operator_sessions (expires_at);
  `,
  down: `
    drop table operator_sessions;
    drop table sign_in_links;
  `,
}

import type { Migration } from '../../../engine/migration.ts'

/** Of what a client holds only hashes are stored: who reads the tables, or a backup of them, can sign in with nothing. */
export const createUsersAndLogins: Migration = {
  id: '0011_create_users_and_logins',
  up: `
    create table users (
      id text primary key,
      name text,
      workspaces text[] not null,
      teams text[] not null,
      roles text[] not null,
      permissions text[] not null,
      password_hash text not null,
      created_at timestamptz not null,
      changed_at timestamptz not null
    );

    create table logins (
      id text primary key,
      user_id text not null references users (id) on delete cascade,
      secret_hash bytea not null unique check (octet_length(secret_hash) = 32),
      turn_hash bytea not null check (octet_length(turn_hash) = 32),
      turn_nonce bytea,
      previous_turn_hash bytea check (octet_length(previous_turn_hash) = 32),
      turned_at timestamptz not null,
      created_at timestamptz not null,
      expires_at timestamptz not null
    );
    create index logins_user_id on logins (user_id, created_at);
    create index logins_expires_at on logins (expires_at);
  `,
  down: `
    drop table logins;
    drop table users;
  `,
}

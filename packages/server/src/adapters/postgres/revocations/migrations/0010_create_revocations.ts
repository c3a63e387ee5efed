import type { Migration } from '../../../../engine/migration.ts'

/**
 * `number` counts the changes. It is taken from one row, whose lock is held until the commit: whoever has seen a number
 * has seen all before it.
 */
export const createRevocations: Migration = {
  id: '0010_create_revocations',
  up: `
    create table revocations (
      kind text not null check (kind in ('token', 'login', 'user', 'everyone')),
      subject text not null,
      issued_before timestamptz,
      kept_until timestamptz not null,
      number bigint not null,
      primary key (kind, subject)
    );
    create unique index revocations_number on revocations (number);
    create index revocations_kept_until on revocations (kept_until);

    create table revocation_numbers (
      only_row boolean primary key default true check (only_row),
      last bigint not null
    );
    insert into revocation_numbers (last) values (0);
  `,
  down: `
    drop table revocation_numbers;
    drop table revocations;
  `,
}

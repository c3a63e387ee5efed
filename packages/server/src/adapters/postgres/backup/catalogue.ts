/** What backups need to know from PostgreSQL's catalogue, and how they name things in SQL. */
import pg from 'pg'
import type { BackupSequences } from './format.ts'

export interface Table {
  readonly schema: string
  readonly name: string
  /** Without generated ones: those are computed again. */
  readonly columns: string[]
  readonly isPartitioned: boolean
}

export function quoted(...names: readonly string[]): string {
  return names.map((name) => pg.escapeIdentifier(name)).join('.')
}

const notOfExtension = (catalogue: string, id: string) =>
  `not exists (select from pg_depend e
    where e.classid = '${catalogue}'::regclass and e.objid = ${id} and e.deptype = 'e')`

/** A partition's rows belong to the table it is a part of. */
export async function listTables(client: pg.Client, schemas: readonly string[]): Promise<Table[]> {
  const { rows } = await client.query<Table>(
    `select n.nspname as schema, c.relname as name, c.relkind = 'p' as "isPartitioned",
        array(select a.attname::text from pg_attribute a
          where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped and a.attgenerated = ''
          order by a.attnum) as columns
      from pg_class c join pg_namespace n on n.oid = c.relnamespace
      where c.relkind in ('r', 'p') and not c.relispartition and n.nspname = any($1) and c.relpersistence <> 't'
        and ${notOfExtension('pg_class', 'c.oid')}
      order by n.nspname, c.relname`,
    [schemas],
  )
  return rows
}

export async function readSequences(client: pg.Client, schemas: readonly string[]): Promise<BackupSequences> {
  const { rows } = await client.query<{ schema: string; name: string }>(
    `select n.nspname as schema, c.relname as name
      from pg_class c join pg_namespace n on n.oid = c.relnamespace
      where c.relkind = 'S' and n.nspname = any($1) and c.relpersistence <> 't'
        and ${notOfExtension('pg_class', 'c.oid')}
      order by n.nspname, c.relname`,
    [schemas],
  )
  const sequences: BackupSequences = []
  for (const { schema, name } of rows) {
    const state = await client.query<{ lastValue: string; isCalled: boolean }>(
      `select last_value::text as "lastValue", is_called as "isCalled" from ${quoted(schema, name)}`,
    )
    const [row] = state.rows
    if (row !== undefined) sequences.push({ schema, name, ...row })
  }
  return sequences
}

/**
 * Everything in the schema that `drop` knows, each as its command, tables before the sequences and functions
 * they need. Empty: the schema is empty, or absent.
 */
export async function listDrops(client: pg.Client, schema: string): Promise<string[]> {
  const { rows } = await client.query<{ command: string }>(
    `with here as (select oid from pg_namespace where nspname = $1)
      select case when c.relkind in ('S', 'c') then 2 else 1 end as turn, format('drop %s if exists %I.%I cascade',
          case c.relkind when 'v' then 'view' when 'm' then 'materialized view' when 'S' then 'sequence'
            when 'f' then 'foreign table' when 'c' then 'type' else 'table' end, $1, c.relname) as command
        from pg_class c
        where c.relnamespace in (select oid from here) and c.relkind in ('r', 'p', 'v', 'm', 'S', 'f', 'c')
          and ${notOfExtension('pg_class', 'c.oid')}
      union all
      select 3, format('drop routine if exists %I.%I(%s) cascade', $1, p.proname, pg_get_function_identity_arguments(p.oid))
        from pg_proc p
        where p.pronamespace in (select oid from here) and ${notOfExtension('pg_proc', 'p.oid')}
      union all
      select 4, format('drop %s if exists %I.%I cascade', case t.typtype when 'd' then 'domain' else 'type' end, $1, t.typname)
        from pg_type t
        where t.typnamespace in (select oid from here) and t.typtype in ('e', 'd', 'r')
          and ${notOfExtension('pg_type', 't.oid')}
      order by turn, command`,
    [schema],
  )
  return rows.map(({ command }) => command)
}

/** Views and foreign keys elsewhere that would go along if the schema were emptied. */
export async function listOutsideDependants(client: pg.Client, schema: string): Promise<string[]> {
  const { rows } = await client.query<{ name: string }>(
    `with ours as (select c.oid from pg_class c join pg_namespace n on n.oid = c.relnamespace where n.nspname = $1)
      select distinct k.conrelid::regclass::text as name from pg_constraint k
        where k.contype = 'f' and k.confrelid in (select oid from ours) and k.conrelid not in (select oid from ours)
      union
      select r.ev_class::regclass::text from pg_depend d join pg_rewrite r on r.oid = d.objid
        where d.classid = 'pg_rewrite'::regclass and d.refclassid = 'pg_class'::regclass
          and d.refobjid in (select oid from ours) and r.ev_class not in (select oid from ours)`,
    [schema],
  )
  return rows.map(({ name }) => name)
}

/**
 * What stands in the way of loading rows in any order, as commands: `before` lifts it, `after` puts it back.
 * Foreign keys (they may form a circle) and checks that old rows need not pass are dropped and made again;
 * triggers rest, since what they did is in the rows already. None of it needs a superuser.
 */
export async function listObstacles(
  client: pg.Client,
  schemas: readonly string[],
): Promise<{ before: string[]; after: string[] }> {
  const constraints = await client.query<{ before: string; after: string }>(
    `select format('alter table %s drop constraint %I', k.conrelid::regclass, k.conname) as before,
        format('alter table %s add constraint %I %s', k.conrelid::regclass, k.conname, pg_get_constraintdef(k.oid)) as after
      from pg_constraint k join pg_class c on c.oid = k.conrelid join pg_namespace n on n.oid = c.relnamespace
      where n.nspname = any($1) and k.conparentid = 0 and (k.contype = 'f' or (k.contype = 'c' and not k.convalidated))
      order by k.conrelid::regclass::text, k.conname`,
    [schemas],
  )
  const triggers = await client.query<{ before: string; after: string }>(
    `select format('alter table %s disable trigger %I', g.tgrelid::regclass, g.tgname) as before,
        format('alter table %s enable %s trigger %I', g.tgrelid::regclass,
          case g.tgenabled when 'A' then 'always' when 'R' then 'replica' else '' end, g.tgname) as after
      from pg_trigger g join pg_class c on c.oid = g.tgrelid join pg_namespace n on n.oid = c.relnamespace
      where n.nspname = any($1) and not g.tgisinternal and g.tgparentid = 0 and g.tgenabled <> 'D'
        and c.relkind in ('r', 'p')
      order by g.tgrelid::regclass::text, g.tgname`,
    [schemas],
  )
  const rows = [...constraints.rows, ...triggers.rows]
  return { before: rows.map(({ before }) => before), after: rows.map(({ after }) => after) }
}

export async function listMaterializedViews(
  client: pg.Client,
  schemas: readonly string[],
): Promise<string[]> {
  const { rows } = await client.query<{ schema: string; name: string }>(
    `select schemaname as schema, matviewname as name from pg_matviews where schemaname = any($1) order by 1, 2`,
    [schemas],
  )
  return rows.map(({ schema, name }) => quoted(schema, name))
}

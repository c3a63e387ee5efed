create table shopping.items (
  id integer generated always as identity primary key,
  household text not null,
  name text not null,
  bought boolean not null default false,
  version integer not null default 1
);
create index on shopping.items (household, id);

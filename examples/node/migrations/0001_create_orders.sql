create table kitchen.orders (
  id integer generated always as identity primary key,
  dish text not null
);

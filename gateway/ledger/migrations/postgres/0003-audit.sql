create table audit (
  id bigserial primary key, at double precision not null, actor text not null, action text not null,
  kind text not null, identity text not null, alias text not null, before text not null, after text not null
);
create index audit_by_identity on audit (kind, identity);

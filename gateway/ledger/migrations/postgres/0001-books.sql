create table accounts (
  kind text not null, identity text not null, alias text not null, record text not null,
  budget bigint, period_s bigint, spent bigint not null default 0, total bigint not null default 0,
  window_start bigint not null, revision bigint not null default pg_current_xact_id()::text::bigint,
  deleted_at timestamptz, serial bigserial, primary key (kind, identity)
);
create unique index accounts_by_alias on accounts (kind, alias) where deleted_at is null;
create index accounts_by_revision on accounts (revision);
create index accounts_by_period on accounts (window_start) where period_s is not null and deleted_at is null;
-- One row per gateway. `batch` is the last batch of rows it has in the ledger, `seen` its last sign of life.
create table replicas (
  replica text primary key, batch bigint not null default 0, seen timestamptz not null default now()
);
create table spools (
  replica text not null, name text not null, position bigint not null, primary key (replica, name)
);
create table ledger (
  id bigserial primary key, replica text not null, request_id text not null, started double precision not null,
  key text not null, alias text not null, team_id text not null, team text not null,
  user_id text not null, end_user text not null, kind text not null,
  model text not null, served_model text not null, deployment text not null, provider text not null,
  upstream_model text not null,
  prompt_tokens bigint not null, cached_tokens bigint not null, cache_write_tokens bigint not null,
  audio_prompt_tokens bigint not null, completion_tokens bigint not null, reasoning_tokens bigint not null,
  audio_completion_tokens bigint not null,
  cost bigint not null, priced boolean not null, estimated boolean not null, cache text not null,
  status integer not null, error_type text not null, stream boolean not null,
  ttft_ms double precision, duration_ms double precision not null,
  attempts text not null, tags text not null, metadata text not null
);
create index ledger_by_start on ledger (started);
create index ledger_by_key on ledger (key, started);
create index ledger_by_request on ledger (request_id);

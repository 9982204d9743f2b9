create table accounts (
  kind text not null, identity text not null, alias text not null, record text not null,
  budget integer, period_s integer, spent integer not null default 0, total integer not null default 0,
  window_start integer not null, primary key (kind, identity), unique (kind, alias)
);
create table spools (name text primary key, position integer not null);
create table ledger (
  id integer primary key, request_id text not null, started real not null,
  key text not null, alias text not null, team_id text not null, team text not null,
  user_id text not null, end_user text not null, kind text not null,
  model text not null, served_model text not null, deployment text not null, provider text not null,
  upstream_model text not null,
  prompt_tokens integer not null, cached_tokens integer not null, cache_write_tokens integer not null,
  audio_prompt_tokens integer not null, completion_tokens integer not null, reasoning_tokens integer not null,
  audio_completion_tokens integer not null,
  cost integer not null, priced integer not null, estimated integer not null, cache text not null,
  status integer not null, error_type text not null, stream integer not null,
  ttft_ms real, duration_ms real not null,
  attempts text not null, tags text not null, metadata text not null
);
create index ledger_by_start on ledger (started);
create index ledger_by_key on ledger (key, started);
create index ledger_by_request on ledger (request_id);

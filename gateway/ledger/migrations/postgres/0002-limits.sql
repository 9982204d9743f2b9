-- Money that a gateway may promise to its workers without asking again. A gateway that has given no sign of life
-- for 15 minutes has no request in flight any more: its hold does not count.
create table holds (
  kind text not null, identity text not null, replica text not null, amount bigint not null default 0,
  primary key (kind, identity, replica)
);
-- Requests and tokens of the current minute by this database's clock; `key:<hash>` or `deployment:<id>`.
create table minutes (
  identity text primary key, number bigint not null, requests bigint not null default 0,
  tokens bigint not null default 0
);
create table slots (
  identity text not null, replica text not null, taken bigint not null default 0, primary key (identity, replica)
);

-- Holds at least `need` (or nothing at all) when the account's budget is not used up, up to a part of what is free.
create function hold(a_kind text, an_identity text, a_replica text, need bigint, part bigint)
returns table (granted bigint, elsewhere bigint, spent_now bigint, window_now bigint) language plpgsql as $$
declare account accounts%rowtype; others bigint; own bigint; free bigint;
begin
  select * into account from accounts a
    where a.kind = a_kind and a.identity = an_identity and a.deleted_at is null for update;
  if not found then return; end if;
  select coalesce(sum(h.amount) filter (where h.replica <> a_replica), 0),
         coalesce(sum(h.amount) filter (where h.replica = a_replica), 0) into others, own
    from holds h join replicas r using (replica)
    where h.kind = a_kind and h.identity = an_identity
      and (h.replica = a_replica or r.seen > now() - interval '15 minutes');
  granted := 0; elsewhere := others; spent_now := account.spent; window_now := account.window_start;
  free := account.budget - account.spent - others - own;
  if free > 0 then
    granted := greatest(need, free / part);
    insert into holds as h values (a_kind, an_identity, a_replica, granted)
      on conflict (kind, identity, replica) do update set amount = h.amount + excluded.amount;
  end if;
  return next;
end $$;

-- First gives back (`back_*`), then asks for each of `ask_*` in turn. `refusal` is empty, requests, tokens or parallel.
create function limits(
  a_replica text,
  back_identity text[], back_number bigint[], back_requests bigint[], back_tokens bigint[], back_slots bigint[],
  ask_identity text[], ask_rpm bigint[], ask_tpm bigint[], ask_parallel bigint[], ask_tokens bigint[]
) returns table (place int, refusal text, minute bigint, requests_left bigint, tokens_left bigint, wait_s int)
language plpgsql as $$
declare m minutes%rowtype; busy bigint; epoch double precision; i int; one text;
begin
  -- A crash of the database may forget the last moment of a minute; every other change waits for the disk.
  perform set_config('synchronous_commit', 'off', true);
  -- Everybody locks in the same order.
  for one in select distinct x from unnest(back_identity || ask_identity) x order by x loop
    insert into minutes values (one, 0) on conflict do nothing;
    perform 1 from minutes mm where mm.identity = one for update;
  end loop;
  epoch := extract(epoch from clock_timestamp());
  for i in 1 .. coalesce(array_length(back_identity, 1), 0) loop
    update minutes mm set requests = greatest(mm.requests - back_requests[i], 0),
                          tokens = greatest(mm.tokens - back_tokens[i], 0)
      where mm.identity = back_identity[i] and mm.number = back_number[i];
    if back_slots[i] <> 0 then
      update slots s set taken = greatest(s.taken - back_slots[i], 0)
        where s.identity = back_identity[i] and s.replica = a_replica;
    end if;
  end loop;
  for i in 1 .. coalesce(array_length(ask_identity, 1), 0) loop
    select * into m from minutes mm where mm.identity = ask_identity[i];
    if m.number <> floor(epoch / 60) then
      m.number := floor(epoch / 60); m.requests := 0; m.tokens := 0;
    end if;
    refusal := '';
    if ask_rpm[i] is not null and m.requests >= ask_rpm[i] then refusal := 'requests';
    elsif ask_tpm[i] is not null and m.tokens >= ask_tpm[i] then refusal := 'tokens';
    elsif ask_parallel[i] is not null then
      select coalesce(sum(s.taken), 0) into busy from slots s join replicas r using (replica)
        where s.identity = ask_identity[i]
          and (s.replica = a_replica or r.seen > now() - interval '1 minute');
      if busy >= ask_parallel[i] then refusal := 'parallel'; end if;
    end if;
    if refusal = '' then
      m.requests := m.requests + 1; m.tokens := m.tokens + ask_tokens[i];
      if ask_parallel[i] is not null then
        insert into slots as s values (ask_identity[i], a_replica, 1)
          on conflict (identity, replica) do update set taken = s.taken + 1;
      end if;
    end if;
    update minutes mm set number = m.number, requests = m.requests, tokens = m.tokens
      where mm.identity = ask_identity[i];
    place := i; minute := m.number; wait_s := 60 - (epoch::bigint % 60);
    requests_left := case when ask_rpm[i] is null then null else greatest(ask_rpm[i] - m.requests, 0) end;
    tokens_left := case when ask_tpm[i] is null then null else greatest(ask_tpm[i] - m.tokens, 0) end;
    return next;
  end loop;
end $$;

-- Every row in which somebody decides something is copied into one chain, whose links name the digest of the link
-- before. A row that is changed, removed or slipped in later differs from the chain; a chain that is written anew differs
-- from the heads that announcements carried away.

create table audit_link (
    sequence bigint primary key check (sequence >= 1),
    source   text not null,
    row_key  text not null,
    content  jsonb not null check (jsonb_typeof(content) = 'object'),
    actor    text not null,
    at       timestamptz not null,
    previous sha256_hex not null,
    digest   sha256_hex not null
);
create index audit_link_of_row on audit_link (source, row_key, sequence desc);
comment on table audit_link is 'The audit trail as a chain: what a row held after each change. The last link of a row is what the row must hold now.';
comment on column audit_link.digest is 'SHA-256 of audit_digest: previous digest, sequence, source, key, actor, instant, content.';

create table audit_lock (only_row boolean primary key default true check (only_row));
comment on table audit_lock is 'Who holds its row may append. Nobody else can lock it, as everybody could an advisory lock.';
insert into audit_lock default values;

create view audit_head as
select coalesce(max(l.sequence), 0) as sequence, coalesce(max(l.digest::text), repeat('0', 64)) as digest
from (select sequence, digest from audit_link order by sequence desc limit 1) l;
comment on view audit_head is 'The last link.';

create function audit_digest(link audit_link) returns text
language sql stable set search_path = casegold, pg_temp set timezone = 'UTC' set datestyle = 'ISO' as $$
    select encode(sha256(convert_to(
        jsonb_build_array(link.previous, link.sequence, link.source, link.row_key, link.actor, link.at, link.content)::text,
        'UTF8')), 'hex')
$$;

create function audit_append(source text, row_key text, content jsonb) returns void
language plpgsql set search_path = casegold, pg_temp as $$
declare
    link audit_link;
begin
    perform from audit_lock for update;
    -- A statement of its own: it sees what was committed while it waited.
    select h.sequence + 1, h.digest into strict link.sequence, link.previous from audit_head h;
    link.source := source;
    link.row_key := row_key;
    link.content := content;
    link.actor := session_user;
    link.at := clock_timestamp();
    link.digest := audit_digest(link);
    insert into audit_link select link.*;
end $$;

-- Which tables are chained, by which columns a row of them is known, and what is left out: a plan may have 4 MB, and
-- plan_digest stands for it.
create table audit_source (
    source  text primary key,
    keys    text[] not null check (cardinality(keys) > 0),
    without text[] not null default '{}',
    decided text
);
comment on column audit_source.decided is 'A column that is not null once somebody has decided: rows without it are not chained.';
insert into audit_source (source, keys, without, decided) values
    ('person_login', '{login}', '{}', null),
    ('person_password', '{login}', '{}', null),
    ('approval_rule', '{dataset,level,role_name}', '{}', null),
    ('backfill_request', '{backfill_run_id}', '{plan}', null),
    ('backfill_approval', '{backfill_run_id,level}', '{}', null),
    ('backfill_audit', '{audit_id}', '{}', null),
    ('waiver', '{waiver_id}', '{}', null),
    ('waiver_audit', '{audit_id}', '{}', null),
    ('fact_admission', '{source,event_id}', '{}', 'decided_at'),
    ('run_decision', '{decision_id}', '{}', null);

create table person_password (
    login           text primary key references person_login,
    verifier_digest sha256_hex not null,
    given_at        timestamptz not null default clock_timestamp()
);
comment on table person_password is 'SHA-256 of the verifier that the server got with the login: a password that its user changed is found by it.';

create function audit_key(of_source audit_source, content jsonb) returns text
language sql immutable set search_path = casegold, pg_temp as $$
    select (select jsonb_agg(content -> key order by n) from unnest(of_source.keys) with ordinality k (key, n))::text
$$;

-- At the end of the transaction, when it waits for no row any more: the head is the last lock that anybody takes.
create function audit_chained() returns trigger
language plpgsql security definer set search_path = casegold, pg_temp set timezone = 'UTC' as $$
declare
    known   audit_source;
    content jsonb;
begin
    select * into strict known from audit_source s where s.source = tg_table_name;
    content := to_jsonb(case tg_op when 'DELETE' then old else new end) - known.without;
    if known.decided is not null and content ->> known.decided is null then
        return null;
    end if;
    if tg_op = 'UPDATE' and audit_key(known, to_jsonb(old)) <> audit_key(known, content) then
        perform audit_append(tg_table_name, audit_key(known, to_jsonb(old)),
                             jsonb_build_object('deleted', to_jsonb(old) - known.without));
    end if;
    perform audit_append(tg_table_name, audit_key(known, content),
                         case tg_op when 'DELETE' then jsonb_build_object('deleted', content) else content end);
    return null;
end $$;

-- What is there already, in the order in which it came about.
do $$
declare
    known audit_source;
    row   jsonb;
    guard name;
begin
    set local timezone = 'UTC';
    for known in select * from audit_source order by source loop
        for row in execute format('select to_jsonb(r) - %L::text[] from %I r order by to_jsonb(r) -> %L', known.without, known.source,
                                  known.keys[1]) loop
            if known.decided is null or row ->> known.decided is not null then
                perform audit_append(known.source, audit_key(known, row), row);
            end if;
        end loop;
        execute format('create constraint trigger audit_is_chained after insert or update or delete on %I'
                       ' deferrable initially deferred for each row execute function audit_chained()', known.source);
        for guard in select t.tgname from pg_trigger t where t.tgrelid = known.source::regclass and not t.tgisinternal loop
            execute format('alter table %I enable always trigger %I', known.source, guard);
        end loop;
    end loop;
    set local timezone to default;
end $$;

create trigger audit_link_is_insert_only before update or delete on audit_link for each row execute function refuse_change();
create trigger audit_link_is_not_emptied before truncate on audit_link for each statement execute function refuse_change();
alter table audit_link enable always trigger audit_link_is_insert_only;
alter table audit_link enable always trigger audit_link_is_not_emptied;

-- ---------------------------------------------------------------- announcements carry the head away

alter table outbox add column audit_sequence bigint, add column audit_digest sha256_hex;
comment on column outbox.audit_digest is 'Head of the audit trail when the event was written; beyond the database''s reach once it is on Kafka.';

create function outbox_with_head() returns trigger
language plpgsql security definer set search_path = casegold, pg_temp as $$
begin
    select h.sequence, h.digest into strict new.audit_sequence, new.audit_digest from audit_head h;
    return new;
end $$;
create trigger outbox_carries_head before insert on outbox for each row execute function outbox_with_head();
alter table outbox enable always trigger outbox_carries_head;

-- ---------------------------------------------------------------- verification

create function audit_now(of_source audit_source) returns table (row_key text, content jsonb)
language plpgsql stable set search_path = casegold, pg_temp set timezone = 'UTC' as $$
begin
    return query execute format(
        'select audit_key($1, to_jsonb(r)), to_jsonb(r) - $1.without from %I r%s', of_source.source,
        case when of_source.decided is not null then format(' where %I is not null', of_source.decided) else '' end)
        using of_source;
end $$;

-- The first few places where the trail is not what it was, oldest first; none where it is whole.
create function audit_breaks(places integer) returns table (sequence bigint, source text, row_key text, problem text)
language sql stable security definer set search_path = casegold, pg_temp as $$
    with linked as (
        select l.sequence, l.source, l.row_key, l.digest <> audit_digest(l) as rewritten,
               l.previous <> lag(l.digest::text, 1, repeat('0', 64)) over steps as torn,
               l.sequence <> 1 + lag(l.sequence, 1, 0::bigint) over steps as gap
        from audit_link l window steps as (order by l.sequence)
    ), latest as (
        select distinct on (l.source, l.row_key) l.sequence, l.source, l.row_key, l.content
        from audit_link l order by l.source, l.row_key, l.sequence desc
    ), found as (
        select s.source, n.row_key, n.content from audit_source s cross join lateral audit_now(s) n
    ), problems as (
        select k.sequence, k.source, k.row_key,
               concat_ws(', ', case when k.gap then 'links before it are missing' end,
                         case when k.rewritten then 'its content is not what its digest says' end,
                         case when k.torn then 'it does not follow from the link before' end) as problem
        from linked k where k.gap or k.rewritten or k.torn
        union all
        select t.sequence, coalesce(t.source, f.source), coalesce(t.row_key, f.row_key),
               case when f.source is null then 'the row is gone'
                    when t.source is null then 'the row came about without a link'
                    when t.content ? 'deleted' then 'the row is back without a link'
                    else 'the row was changed without a link: ' || (
                        select string_agg(c.key, ', ') from jsonb_each(t.content) c where f.content -> c.key is distinct from c.value)
               end
        from latest t full join found f on f.source = t.source and f.row_key = t.row_key
        where (f.source is null and not t.content ? 'deleted') or t.source is null or t.content ? 'deleted' and f.source is not null
           -- Only what the link holds: a column that a later revision adds is no change.
           or exists (select from jsonb_each(t.content) c where f.content -> c.key is distinct from c.value)
              and not t.content ? 'deleted'
        union all
        select null, 'backfill_request', r.backfill_run_id, 'the plan is not what its digest says'
        from backfill_request r
        where r.plan is not null and r.plan_digest <> encode(sha256(convert_to(r.plan::text, 'UTF8')), 'hex')
    )
    select * from problems p order by p.sequence nulls last, p.source, p.row_key limit places
$$;

-- Three roles that nobody's statement can exchange: the owner, who migrates; casegold_runtime, which the platform's
-- login is a member of and which has exactly the rights that its statements use; casegold_audit, which nobody logs in
-- as: it will own what people decide (0008).

do $$
declare
    name  text;
    owner text := current_user;
begin
    -- A superuser owns nothing itself: functions that people call run with their owner's rights.
    if (select rolsuper from pg_roles where rolname = current_user) then
        owner := 'casegold_owner';
    end if;
    foreach name in array array[owner, 'casegold_runtime', 'casegold_audit'] loop
        begin
            if not exists (select from pg_roles where rolname = name) then
                execute format('create role %I nologin', name);
            end if;
        exception
            -- Roles belong to the whole server: another process has made it just now.
            when duplicate_object or unique_violation then null;
        end;
    end loop;
    if owner <> current_user then
        -- Whoever owns this table is the owner; the rest follows at the end of the migration.
        execute format('alter table alembic_version owner to %I', owner);
        execute format('alter schema iceberg owner to %I', owner);
    end if;
    if not pg_has_role(current_user, 'casegold_runtime', 'SET') then
        execute format('grant casegold_runtime to %I with inherit false, set true', current_user);
    end if;
    execute format('alter default privileges for role %I revoke execute on functions from public', owner);
    execute format('alter default privileges for role %I in schema iceberg grant select on tables to casegold_catalog_readers',
                   owner);
end $$;

-- ---------------------------------------------------------------- who is a machine

create or replace function is_machine(login text) returns boolean
language sql stable set search_path = casegold, pg_temp as $$
    select login in ('casegold', 'dagster-ui') or exists (
        select from pg_roles r, pg_class c
        where r.rolname = login and c.oid = 'casegold.alembic_version'::regclass
          and (pg_has_role(r.oid, c.relowner, 'MEMBER') or pg_has_role(r.oid, 'casegold_runtime', 'MEMBER')
               or pg_has_role(r.oid, 'casegold_audit', 'MEMBER')))
$$;
comment on function is_machine is 'Logins that stand for nobody: who owns, who runs the platform, and whoever may become one of them.';

-- ---------------------------------------------------------------- what the platform's login may do

grant usage on schema casegold, iceberg to casegold_runtime;
grant usage, create on schema dagster to casegold_runtime;
grant select on all tables in schema casegold to casegold_runtime;
grant select, insert, update, delete on iceberg.iceberg_tables, iceberg.iceberg_namespace_properties to casegold_runtime;

grant insert on
    control_total, dataset_claim, dataset_version, day_barrier, day_close, effect_ledger, event_conflict, hold,
    ingest_commit, ingest_dates, ingest_rejected_dates, ingest_source_range, outbox, outbox_delivery, partition_state,
    quality_result, reconciliation, replay, run_attempt, run_decision, run_manifest, setting, setting_history, shadow,
    shadow_partition, source_epoch, source_loss, source_position, staged_chunk, trigger_ledger, verification,
    version_artifact, version_file, version_input, version_partition
to casegold_runtime;
grant update on
    dataset_claim, dataset_version, day_barrier, effect_ledger, event_conflict, hold, partition_state, reconciliation,
    replay, run_attempt, run_manifest, setting, source_loss, source_position, trigger_ledger
to casegold_runtime;
grant delete on dataset_claim, staged_chunk to casegold_runtime;

-- It may ask for a backfill, which is decided by people; hold facts back; and admit those of a backfill that two people
-- wanted. The columns that say who and when are the database's.
grant insert (backfill_run_id, dataset, partition_from, partition_to, mode, reason) on backfill_request to casegold_runtime;
grant insert (source, event_id, event_type, case_id, dirty_from, ingest_seq, held_because) on fact_admission to casegold_runtime;
grant update (state, admitted_seq, backfill_run_id) on fact_admission to casegold_runtime;

-- Where the platform writes, what follows is written with the owner's rights: trail, events, signatures.
alter function backfill_asked() security definer;
alter function backfill_moves() security definer;
alter function backfill_moved() security definer;
alter function backfill_approves() security definer;
alter function backfill_approved() security definer;
alter function waiver_asked() security definer;
alter function waiver_approves() security definer;
alter function waiver_told() security definer;
alter function fact_decided() security definer;
alter function sign_audit() security definer;
alter function backfill_refuse(text, text, text, jsonb) security definer;
alter function backfill_expire(text) security definer;
alter function backfill_begin(text, text) security definer;
alter function backfill_end(text, boolean, text) security definer;

-- A row's lock needs the right to change it. Whoever holds a request by these can change nothing of it.
create function backfill_hold(id text, only_share boolean) returns setof backfill_request
language plpgsql security definer set search_path = casegold, pg_temp as $$
begin
    if only_share then
        return query select * from backfill_request r where r.backfill_run_id = id for share;
    else
        return query select * from backfill_request r where r.backfill_run_id = id for update;
    end if;
end $$;

grant execute on function
    backfill_refuse(text, text, text, jsonb), backfill_expire(text), backfill_begin(text, text),
    backfill_end(text, boolean, text), backfill_hold(text, boolean),
    backfill_restated(backfill_request), backfill_missing_levels(backfill_request), made_with(text, date, bigint)
to casegold_runtime;
-- The platform's own login may try what people do: it is refused, in the trail.
grant execute on function
    backfill_ask(text, date, date, text, text), backfill_submit(text, jsonb), backfill_approve(text, text),
    backfill_reject(text, text), backfill_cancel(text, text), backfill_pause(text, text), backfill_resume(text, text),
    waiver_request(text, date, date, text, text), waiver_approve(bigint), facts_reject(text[], text)
to casegold_runtime;

-- Tables that Dagster made under the login that ran everything until now.
do $$
declare
    thing record;
begin
    for thing in
        select c.oid::regclass as name, c.relkind from pg_class c
        where c.relnamespace = 'dagster'::regnamespace and c.relkind in ('r', 'S')
          and not exists (select from pg_depend d where d.objid = c.oid and d.deptype in ('a', 'i') and c.relkind = 'S')
    loop
        execute format('alter %s %s owner to casegold_runtime', case thing.relkind when 'S' then 'sequence' else 'table' end, thing.name);
    end loop;
end $$;

-- Logins that people have already: as `casegold user add` makes them from now on.
do $$
declare
    known record;
begin
    for known in select l.login from person_login l join pg_roles r on r.rolname = l.login where l.removed_at is null loop
        execute format('alter role %I set lock_timeout = %L', known.login, '10s');
    end loop;
end $$;

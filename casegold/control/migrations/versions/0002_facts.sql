-- Held facts: what decides on them, on every path. Admitted by a backfill that two people wanted and that is being
-- executed; rejected by one person with a reason, since that changes no figure.

alter table fact_admission add column backfill_run_id text references backfill_request;
alter table fact_admission add check ((state = 'ADMITTED') = (backfill_run_id is not null));
create index fact_admission_by_event on fact_admission (event_id);

create function fact_decided() returns trigger
language plpgsql set search_path = casegold, pg_temp as $$
declare
    decision text[] := array['state', 'admitted_seq', 'decided_at', 'decided_by', 'reason', 'backfill_run_id'];
    request  backfill_request;
begin
    if old.state <> 'HELD' or to_jsonb(new) - decision is distinct from to_jsonb(old) - decision then
        raise exception 'what was decided about % stands', old.event_id using errcode = 'restrict_violation';
    end if;
    if new.state = 'ADMITTED' then
        -- Whoever cancels or pauses it waits for this transaction, or is seen by it.
        select * into request from backfill_request r where r.backfill_run_id = new.backfill_run_id for share;
        if request.state is distinct from 'EXECUTING' or request.mode <> 'BACKFILL'
           or new.dirty_from not between request.partition_from and request.partition_to then
            raise exception '% is admitted by no backfill that is being executed', old.event_id using errcode = 'check_violation';
        end if;
        new.decided_by := (select string_agg(a.person, ', ' order by a.level) from backfill_approval a
                           where a.backfill_run_id = new.backfill_run_id and a.plan_digest = request.plan_digest);
        new.reason := request.reason;
    elsif new.state = 'REJECTED' then
        if (who_calls()).refusal is not null then
            raise exception '%', (who_calls()).refusal using errcode = 'check_violation';
        end if;
        new.decided_by := (who_calls()).person;
    end if;
    new.decided_at := clock_timestamp();
    return new;
end $$;
create trigger fact_is_decided before update on fact_admission for each row execute function fact_decided();
create trigger fact_stays before delete on fact_admission for each row execute function refuse_change();
create trigger facts_are_not_emptied before truncate on fact_admission for each statement execute function refuse_change();

-- All of them or none, by whoever may ask for backfills of what is computed from facts.
create function facts_reject(ids text[], why text) returns answer
language plpgsql security definer set search_path = casegold, pg_temp as $$
declare
    who     identity := who_calls();
    asked   jsonb := jsonb_build_object('events', to_jsonb(ids[1:100]), 'count', cardinality(ids), 'why rejected', left(why, 2000));
    changed bigint;
    -- Locked in one order, so that two who decide at once do not wait for each other.
    found   bigint := (select count(distinct f.event_id) from (
                           select event_id from fact_admission
                           where event_id = any(ids) and state = 'HELD' order by source, event_id for update) f);
    problem text := coalesce(who.refusal, case
        when not exists (select from approval_rule r where r.to_latest and may(r.dataset, '{0}')) then
            format('%s has no role that may decide on held facts', who.login)
        when coalesce(length(btrim(why)), 0) not between 1 and 2000 then 'a reason of 1 to 2,000 characters is needed'
        when found = 0 or found <> (select count(distinct id) from unnest(ids) id) then
            'not all of them are held: some are unknown or decided already'
    end);
begin
    if problem is not null then
        return backfill_refuse(null, 'reject facts', problem, asked);
    end if;
    update fact_admission set state = 'REJECTED', decided_by = who.person, decided_at = clock_timestamp(), reason = why
    where event_id = any(ids) and state = 'HELD';
    get diagnostics changed = row_count;
    insert into backfill_audit (step, detail) values ('FACTS_REJECTED', asked || jsonb_build_object('rejected', changed));
    return row(true, changed::text, 'REJECTED', 'no figure changes')::answer;
end $$;

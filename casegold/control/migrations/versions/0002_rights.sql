-- What people's logins may do: look at these, call those, write nothing. A role that a contract names is a member of
-- casegold_people and has no right of its own; which step it allows, approval_rule says.

create view backfill_standing as
select r.*, backfill_restated(r) as restated,
       case when r.state in ('REQUESTED', 'PLANNED') then backfill_missing_levels(r) else '{}' end as missing_levels,
       array(select format('%s: %s (%s)', a.level, a.person, a.login) from backfill_approval a
             where a.backfill_run_id = r.backfill_run_id order by a.level) as approvals
from backfill_request r;

-- Runs of backfills with their last attempt and the version that came of them; not the tokens, which open transactions.
create view backfill_run as
select m.parameters ->> 'backfill_run_id' as backfill_run_id, m.run_id, m.pipeline, m.dataset, m.partition_from,
       m.partition_to, m.requested_at, m.state, m.outcome, a.attempt, a.state as attempt_state, v.version
from run_manifest m
left join lateral (select r.attempt, r.state from run_attempt r
                   where r.run_id = m.run_id order by r.attempt desc limit 1) a on true
left join dataset_version v on v.run_id = m.run_id and v.state = 'COMPLETED'
where m.mode <> 'NORMAL';

-- The triggers of what is signed also fire under session_replication_role = replica.
do $$
declare
    guard record;
begin
    for guard in
        select t.tgname, c.relname from pg_trigger t join pg_class c on c.oid = t.tgrelid
        where not t.tgisinternal and c.relnamespace = 'casegold'::regnamespace
          and c.relname in ('person_login', 'backfill_request', 'backfill_approval', 'backfill_audit', 'waiver', 'waiver_audit',
                            'fact_admission')
    loop
        execute format('alter table %I enable always trigger %I', guard.relname, guard.tgname);
    end loop;
end $$;

-- PostgreSQL lets everybody call a new function, unless told otherwise.
revoke execute on all functions in schema casegold from public;
alter default privileges revoke execute on functions from public;

grant usage on schema casegold to casegold_people;
grant select on
    person_login, approval_rule, backfill_request, backfill_standing, backfill_approval, backfill_audit, waiver, waiver_audit,
    partition_state, fact_admission, backfill_run, hold, quality_result, day_close, dataset_version, version_partition,
    shadow, shadow_partition
to casegold_people;
grant execute on function
    backfill_ask(text, date, date, text, text), backfill_submit(text, jsonb), backfill_approve(text, text),
    backfill_reject(text, text), backfill_cancel(text, text), backfill_pause(text, text), backfill_resume(text, text),
    waiver_request(text, date, date, text, text), waiver_approve(bigint),
    facts_reject(text[], text)
to casegold_people;
-- A view calls functions with the rights of who reads it.
grant execute on function backfill_restated(backfill_request), backfill_missing_levels(backfill_request) to casegold_people;

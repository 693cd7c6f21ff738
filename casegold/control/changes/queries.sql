-- name: backfill_plan_facts
select count(*) as count, min(dirty_from) as first,
       encode(sha256(convert_to(coalesce(string_agg(source || E'\n' || event_id, E'\n'
                                                    order by source collate "C", event_id collate "C"), ''), 'UTF8')),
              'hex') as digest
from fact_admission
where state = 'HELD' and dirty_from between %(first)s and %(last)s and ingest_seq <= %(admitted_seq)s

-- name: admission_facts
-- The facts that a plan admits.
select f.source, f.event_id, f.event_type, f.case_id, f.dirty_from
from fact_admission f
join backfill_request r on r.backfill_run_id = %(backfill_run_id)s
where f.state = 'HELD' and f.dirty_from between r.partition_from and r.partition_to
  and f.ingest_seq <= (r.plan #>> '{pins,admitted_seq}')::bigint
order by f.source, f.event_id

-- name: admission_done
select c.seq, coalesce(sum(i.facts), 0)::bigint as facts
from ingest_commit c
left join ingest_dates i on i.dataset = c.dataset and i.ingest_seq = c.seq
where c.run_id = %(run_id)s and c.kind = 'ADMISSION'
group by c.seq

-- name: admission_lock
-- Lock the held facts of a plan against other decisions, in the same order as everywhere, to avoid deadlocks.
select f.event_id
from fact_admission f
join backfill_request r on r.backfill_run_id = %(backfill_run_id)s
where f.state = 'HELD' and f.dirty_from between r.partition_from and r.partition_to
  and f.ingest_seq <= (r.plan #>> '{pins,admitted_seq}')::bigint
order by f.source, f.event_id
for update of f

-- name: admission_planned
select plan #>> '{facts,digest}' as digest, (plan #>> '{facts,count}')::bigint as count,
       (plan #>> '{pins,admitted_seq}')::bigint as admitted_seq, partition_from as first, partition_to as last
from backfill_request
where backfill_run_id = %(backfill_run_id)s

-- name: call_backfill_ask
select * from casegold.backfill_ask(%(dataset)s, %(first)s, %(last)s, %(mode)s, %(reason)s)

-- name: call_backfill_submit
select * from casegold.backfill_submit(%(id)s, %(plan)s)

-- name: call_backfill_approve
select * from casegold.backfill_approve(%(id)s, %(digest)s)

-- name: call_backfill_reject
select * from casegold.backfill_reject(%(id)s, %(reason)s)

-- name: call_backfill_cancel
select * from casegold.backfill_cancel(%(id)s, %(reason)s)

-- name: call_backfill_pause
select * from casegold.backfill_pause(%(id)s, %(reason)s)

-- name: call_backfill_resume
select * from casegold.backfill_resume(%(id)s, %(reason)s)

-- name: call_backfill_begin
select * from casegold.backfill_begin(%(id)s, %(digest)s)

-- name: call_backfill_end
select * from casegold.backfill_end(%(id)s, %(succeeded)s, %(reason)s)

-- name: call_facts_reject
select * from casegold.facts_reject(%(ids)s::text[], %(reason)s)

-- name: call_waiver_request
select * from casegold.waiver_request(%(dataset)s, %(first)s, %(last)s, %(check)s, %(reason)s)

-- name: call_waiver_approve
select * from casegold.waiver_approve(%(id)s)

-- name: list_backfill_audit
select backfill_run_id as subject, step, actor, person, authenticated_as, at, detail
from casegold.backfill_audit
where %(id)s::text is null or backfill_run_id = %(id)s
order by audit_id desc
limit %(limit)s

-- name: list_waiver_audit
select waiver_id::text as subject, step, actor, person, authenticated_as, at, detail
from casegold.waiver_audit
where %(id)s::bigint is null or waiver_id = %(id)s
order by audit_id desc
limit %(limit)s

-- name: list_waivers
select waiver_id, dataset, partition_from as first, partition_to as last, check_name, reason, requested_by, requested_person,
       requested_at, approved_by, approved_person, approved_at
from casegold.waiver
order by waiver_id desc
limit %(limit)s

-- name: list_backfills
select backfill_run_id, dataset, partition_from as first, partition_to as last, mode, state, reason, note, requested_by,
       requested_person, requested_at, expires_at, planned_by, planned_person, planned_at, plan, plan_digest, restated,
       missing_levels, approvals
from casegold.backfill_standing
where (%(beginning)s::text is null or starts_with(backfill_run_id, %(beginning)s))
  and (%(ended)s or state in ('REQUESTED', 'PLANNED', 'APPROVED', 'EXECUTING', 'PAUSED'))
order by requested_at desc
limit %(limit)s

-- name: backfill_refuse
select * from casegold.backfill_refuse(%(id)s, %(attempt)s, %(why)s, %(detail)s)

-- name: backfill_lock
select partition_from as first, partition_to as last, mode, state, plan, plan_digest
from backfill_hold(%(id)s, false)

-- name: backfill_other
-- Backfills of one mode exclude each other: two shadows share a table, two restatements their partitions. A shadow and a
-- restatement do not.
select backfill_run_id, state from backfill_request
where dataset = %(dataset)s and mode = %(mode)s and state in ('EXECUTING', 'PAUSED') and backfill_run_id <> %(id)s
limit 1

-- name: backfill_later_facts
-- Facts that began to count after a plan was made, without its own admission, and that change dates which it restates.
select coalesce(sum(facts), 0)::bigint as facts
from ingest_dates
where ingest_seq > %(admitted_seq)s and dirty_from <= %(last)s

-- name: backfill_plan_versions
-- The current state of a range; `digest` covers the current version of each published partition.
select count(*) as count, coalesce(sum(s.row_count), 0)::bigint as rows,
       encode(sha256(convert_to(coalesce(string_agg(s.partition_key || ':' || s.current_version, ','
                                                    order by s.partition_key), ''), 'UTF8')), 'hex') as digest,
       coalesce((select sum(f.file_bytes) from partition_state c
                 join version_file f on f.dataset = c.dataset and f.partition_key = c.partition_key
                                    and f.version = c.current_version
                 where c.dataset = %(dataset)s and c.partition_key between %(first)s and %(last)s), 0)::bigint as bytes
from partition_state s
where s.dataset = %(dataset)s and s.partition_key between %(first)s and %(last)s and s.current_version is not null

-- name: backfill_plan_sample
select source, event_id, event_type, case_id, dirty_from
from fact_admission
where state = 'HELD' and dirty_from between %(first)s and %(last)s and ingest_seq <= %(admitted_seq)s
order by dirty_from, source, event_id
limit %(limit)s

-- name: backfill_plan_pace
-- The speed of the last runs; null if there were none.
select sum(rows)::float8 / nullif(sum(seconds), 0) as rows_per_second
from (
    select (m.outcome ->> 'rows')::bigint as rows, extract(epoch from a.ended_at - a.started_at)::float8 as seconds
    from run_manifest m
    join run_attempt a on a.run_id = m.run_id and a.state = 'SUCCEEDED'
    where m.dataset = %(dataset)s and m.state = 'SUCCEEDED' and m.outcome ? 'rows'
    order by m.requested_at desc
    limit 20) past

-- name: backfill_expire
select backfill_expire(%(dataset)s)

-- name: backfill_ask
-- Not while an open request covers the range, nor after a person rejected exactly this request.
insert into backfill_request (backfill_run_id, dataset, partition_from, partition_to, mode, reason)
select 'bf_' || replace(gen_random_uuid()::text, '-', '_'), %(dataset)s, %(first)s, %(last)s, 'BACKFILL', %(reason)s
where not exists (select from backfill_request
                  where dataset = %(dataset)s and mode = 'BACKFILL'
                    and partition_from <= %(first)s and (partition_to >= %(last)s or %(onwards)s)
                    and (state in ('REQUESTED', 'PLANNED', 'APPROVED', 'EXECUTING', 'PAUSED')
                         or state = 'REJECTED' and reason = %(reason)s))
on conflict do nothing
returning backfill_run_id

-- name: backfill_of_run
-- The backfill of a run, locked until the transaction ends.
select r.backfill_run_id, r.state
from run_manifest m
cross join lateral backfill_hold(m.parameters ->> 'backfill_run_id', true) r
where m.run_id = %(run_id)s

-- name: backfill_executing
-- Backfills under way with the state of their admission, and of their restatement, replay or shadow. Superseded runs no
-- longer belong to them.
select r.backfill_run_id, r.dataset, r.mode, r.plan, r.partition_from as first, r.partition_to as last, r.reason, r.plan_digest, r.state,
       coalesce((r.plan #>> '{facts,count}')::bigint, 0) as facts,
       admission.state as admission, restatement.run_id, restatement.state as restatement,
       restatement.outcome ->> 'error' as error
from backfill_request r
left join lateral (
    select m.state from run_manifest m
    where m.parameters ->> 'backfill_run_id' = r.backfill_run_id and m.mode <> 'NORMAL'
      and m.pipeline = 'admission' and m.state <> 'SUPERSEDED'
    order by m.requested_at desc limit 1) admission on true
left join lateral (
    select m.run_id, m.state, m.outcome from run_manifest m
    where m.parameters ->> 'backfill_run_id' = r.backfill_run_id and m.mode <> 'NORMAL'
      and m.pipeline <> 'admission' and (m.dataset = r.dataset or m.mode in ('REPLAY', 'SHADOW')) and m.state <> 'SUPERSEDED'
    order by m.requested_at desc limit 1) restatement on true
where r.state in ('EXECUTING', 'PAUSED')
order by r.requested_at, r.backfill_run_id

-- name: rule_group_role
select make_group_role(%(role)s, %(acts)s)

-- name: rules_clear
-- Delete the rules that are in no contract any more.
delete from approval_rule a
where not exists (select from unnest(%(datasets)s::text[], %(levels)s::smallint[], %(roles)s::text[]) as kept (dataset, level, role)
                  where (kept.dataset, kept.level, kept.role) = (a.dataset, a.level, a.role_name))

-- name: rule_add
-- An unchanged rule is not updated: every update of a rule adds a link to the audit trail.
insert into approval_rule (dataset, level, role_name, above_partitions, to_latest)
values (%(dataset)s, %(level)s, %(role)s, %(above)s, %(to_latest)s)
on conflict (dataset, level, role_name) do update
set above_partitions = excluded.above_partitions, to_latest = excluded.to_latest
where (approval_rule.above_partitions, approval_rule.to_latest) is distinct from (excluded.above_partitions, excluded.to_latest)

-- name: person_added
insert into person_login (login, person) values (%(login)s, %(person)s)
on conflict (login) do update set removed_at = null, removed_by = null

-- name: person_removed
update person_login set removed_at = clock_timestamp(), removed_by = session_user
where login = %(login)s and removed_at is null

-- name: person_sessions_end
select pg_terminate_backend(pid) from pg_stat_activity where usesysid = %(role_oid)s::oid

-- name: person_list
select l.login, l.person, l.added_at, l.added_by, l.removed_at, l.removed_by,
       array(select g.rolname::text from pg_auth_members m join pg_roles g on g.oid = m.roleid
             where m.member = r.oid order by g.rolname) as roles
from person_login l
left join pg_roles r on r.rolname = l.login
order by l.removed_at is not null, l.login

-- name: password_changed
-- Logins whose password is not the one that casegold set.
select p.login
from person_password p join pg_authid a on a.rolname = p.login
where encode(sha256(convert_to(coalesce(a.rolpassword, ''), 'UTF8')), 'hex') <> p.verifier_digest
order by p.login

-- name: person_known
select l.person, l.removed_at is null as active, r.oid::bigint as role_oid
from (select %(login)s::text as login) asked
left join person_login l using (login)
left join pg_roles r on r.rolname = asked.login

-- name: person_password
insert into person_password (login, verifier_digest) values (%(login)s, %(digest)s)
on conflict (login) do update set verifier_digest = excluded.verifier_digest, given_at = clock_timestamp()

-- name: replay_plan_events
-- How many facts that count at a sequence number have their first changed date in a range.
select coalesce(sum(facts), 0)::bigint as events
from ingest_dates
where dirty_from between %(first)s and %(last)s and ingest_seq <= %(admitted_seq)s

-- name: replay_get
select uri, events, sent from replay where backfill_run_id = %(id)s

-- name: replay_start
insert into replay (backfill_run_id, uri, events) values (%(id)s, %(uri)s, %(events)s)

-- name: replay_mark
update replay set sent = %(sent)s, updated_at = clock_timestamp() where backfill_run_id = %(id)s and sent = %(before)s

-- name: replay_state
select state from backfill_request where backfill_run_id = %(id)s

-- name: shadow_insert
insert into shadow (backfill_run_id, run_id, attempt, dataset, branch, comparison)
values (%(id)s, %(run_id)s, %(attempt)s, %(table)s, %(branch)s, %(comparison)s)

-- name: shadow_partition_insert
insert into shadow_partition (backfill_run_id, partition_key, row_count, digest_high, digest_low, passed, dataset,
                              official_version, added, removed, changed, files)
values (%(id)s, %(key)s, %(rows)s, %(digest_high)s, %(digest_low)s, %(passed)s, %(dataset)s,
        %(official_version)s, %(added)s, %(removed)s, %(changed)s, %(files)s)

-- name: shadow_get
select s.dataset as table_name, r.dataset, s.branch, s.comparison,
       s.recorded_at < clock_timestamp() - %(kept)s as is_over
from shadow s
join backfill_request r using (backfill_run_id)
where s.backfill_run_id = %(id)s

-- name: shadow_partitions
select p.partition_key, p.row_count, p.digest_high, p.digest_low, p.passed, p.official_version, p.added, p.removed, p.changed,
       p.files, coalesce(o.row_count, 0) as rows_before
from shadow_partition p
left join version_partition o on o.dataset = p.dataset and o.version = p.official_version
                             and o.partition_key = p.partition_key
where p.backfill_run_id = %(id)s
order by p.partition_key

-- name: shadow_of_range
-- A shadow as a whole: `digest` covers the figures of all its partitions; `moved` counts partitions whose official version
-- is no longer the one that the shadow was compared with.
select r.state, r.dataset, r.plan #>> '{pins,transform}' as transform, r.plan #> '{pins,contract}' as contract,
       (r.plan #>> '{pins,admitted_seq}')::bigint as admitted_seq, count(p.partition_key) as partitions,
       min(p.partition_key) as first, max(p.partition_key) as last,
       encode(sha256(convert_to(coalesce(string_agg(concat_ws(':', p.partition_key, p.row_count, p.digest_high, p.digest_low),
                                                    ',' order by p.partition_key), ''), 'UTF8')), 'hex') as digest,
       count(*) filter (where p.partition_key is not null and s.current_version is distinct from p.official_version) as moved
from backfill_request r
left join shadow_partition p using (backfill_run_id)
left join partition_state s on s.dataset = p.dataset and s.partition_key = p.partition_key
where r.backfill_run_id = %(id)s
group by r.backfill_run_id

-- name: shadow_promised
-- The figures that a run's backfill has promised to publish: those of a shadow.
select p.partition_key, p.row_count, p.digest_high, p.digest_low
from backfill_request r
join shadow_partition p on p.backfill_run_id = r.plan #>> '{promotes,backfill_run_id}'
where r.backfill_run_id = %(id)s

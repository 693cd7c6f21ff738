-- name: attempt_history
-- Ends since a person last retried the run. Deferred and cancelled attempts neither count nor end a row of failures.
with since as (
    select attempt, state, started_at is not null or state = 'DEFERRED' as began
    from run_attempt
    where run_id = %(run_id)s
      and attempt > coalesce((select max(after_attempt) from run_decision
                              where run_id = %(run_id)s and decision = 'RETRY'), 0)
), marks as (
    select coalesce(max(attempt) filter (where state in ('SUCCEEDED', 'FAILED')), 0) as spoke,
           coalesce(max(attempt) filter (where began), 0) as began
    from since
)
select count(*) filter (where state in ('FAILED', 'LOST')) as failed,
       count(*) filter (where state = 'LOST' and attempt > spoke) as lost_in_a_row,
       count(*) filter (where state = 'LAUNCH_FAILED' and attempt > marks.began) as launches_failed_in_a_row
from since, marks

-- name: attempt_settle
update run_attempt
set exit_class = coalesce(%(exit_class)s, exit_class),
    not_before = clock_timestamp() + make_interval(secs => %(pause)s)
where run_id = %(run_id)s and attempt = %(attempt)s

-- name: manifest_end
update run_manifest
set state = %(state)s, ended_at = clock_timestamp(), outcome = %(outcome)s
where run_id = %(run_id)s and state = 'OPEN'

-- name: claim_expire
-- Delete the claims without a heartbeat, of one dataset or of all; their attempts become LOST.
with dead as (
    delete from dataset_claim
    where (%(dataset)s::text is null or dataset = %(dataset)s)
      and heartbeat_at < clock_timestamp() - make_interval(secs => %(dead_after)s)
    returning run_id, attempt
)
update run_attempt a
set state = 'LOST', ended_at = clock_timestamp(), exit_class = 20, message = 'no sign of life'
from dead
where a.run_id = dead.run_id and a.attempt = dead.attempt and a.state = 'RUNNING'
returning a.run_id, a.attempt

-- name: shadow_tables
select distinct dataset from run_manifest where pipeline = 'shadow' order by dataset

-- name: manifest_reopen
with reopened as (
    update run_manifest
    set state = 'OPEN', ended_at = null,
        outcome = jsonb_build_object('retried_by', %(person)s::text, 'reason', %(reason)s::text, 'after', state)
    where run_id = %(run_id)s and state in ('HELD', 'FAILED', 'CANCELLED')
    returning run_id
), at_once as (
    -- A person's retry does not wait for the backoff.
    update run_attempt a set not_before = clock_timestamp() from reopened r where a.run_id = r.run_id
)
select run_id from reopened

-- name: run_decision_insert
insert into run_decision (run_id, decision, after_attempt, person, reason)
select m.run_id, %(decision)s, coalesce((select max(attempt) from run_attempt a where a.run_id = m.run_id), 0),
       %(person)s, %(reason)s
from run_manifest m
where m.run_id = %(run_id)s

-- name: run_retried_after
select 1 from run_decision
where run_id = %(run_id)s and decision = 'RETRY' and after_attempt >= %(attempt)s

-- name: manifest_cancel
update run_manifest
set state = 'CANCELLED', ended_at = clock_timestamp(),
    outcome = jsonb_build_object('cancelled_by', %(person)s::text, 'reason', %(reason)s::text)
where run_id = %(run_id)s and state = 'OPEN'

-- name: claim_revoke
delete from dataset_claim where run_id = %(run_id)s

-- name: attempt_cancel
update run_attempt
set state = 'CANCELLED', ended_at = clock_timestamp(),
    message = 'cancelled by ' || %(person)s::text || ': ' || %(reason)s::text
where run_id = %(run_id)s and state in ('REQUESTED', 'RUNNING')

-- name: list_runs
select m.run_id, m.dataset, m.pipeline, m.mode, m.state, m.partition_from as first, m.partition_to as last,
       m.requested_by, m.requested_at, m.ended_at, m.caused_by, a.attempt, a.state as attempt_state, a.exit_class,
       a.message, extract(epoch from a.ended_at - a.started_at)::float8 as seconds
from run_manifest m
left join lateral (select * from run_attempt r where r.run_id = m.run_id order by attempt desc limit 1) a on true
where (%(dataset)s::text is null or m.dataset = %(dataset)s)
  and (%(state)s::text is null or m.state = %(state)s)
  and (%(since)s::timestamptz is null or m.requested_at >= %(since)s)
order by m.requested_at desc, m.run_id
limit %(limit)s

-- name: list_failed_checks
-- The checks that closed the gate in the last attempt of a run.
select q.partition_key, q.check_name, q.status, q.failures, q.expected, q.actual, q.detail, q.sample
from quality_result q
where q.run_id = %(run_id)s and q.status in ('FAILED', 'MISSING') and q.required
  and q.attempt = (select max(attempt) from quality_result where run_id = %(run_id)s)
order by q.partition_key, q.check_name

-- name: run_get
select m.run_id, m.pipeline, m.dataset, m.mode, m.state, m.partition_from as first, m.partition_to as last, m.scope,
       m.transform_version, m.parameters, m.requested_by, m.requested_at, m.caused_by, m.ended_at, m.outcome
from run_manifest m
where m.run_id = %(run_id)s

-- name: run_version_partitions
-- Each partition of each version of a run: rows, digest, the version before it, and its last verification.
select p.dataset, p.version, p.partition_key as partition, p.row_count as rows,
       p.digest_high::text as digest_high, p.digest_low::text as digest_low, p.previous_version,
       f.files, f.bytes,
       coalesce((select jsonb_agg(jsonb_build_object('name', a.name, 'media_type', a.media_type, 'uri', a.uri,
                                                     'bytes', a.bytes, 'sha256', a.sha256) order by a.name)
                 from version_artifact a
                 where (a.dataset, a.version, a.partition_key) = (p.dataset, p.version, p.partition_key)), '[]') as artifacts
from version_partition p
join dataset_version v using (dataset, version)
cross join lateral (
    select count(*) as files, coalesce(sum(file_bytes), 0)::bigint as bytes
    from version_file
    where (dataset, version, partition_key) = (p.dataset, p.version, p.partition_key)) f
where v.run_id = %(run_id)s
order by p.dataset, p.version, p.partition_key

-- name: run_claim
-- Without the token: it proves ownership and stays secret.
select attempt, claimed_at, heartbeat_at from dataset_claim where run_id = %(run_id)s

-- name: run_triggers
-- The events that started a run: those of the trigger ledger that name it, and the event that requested its backfill,
-- found by the request's reason.
select t.source, t.event_id, t.event_type, t.received_at, t.decision, t.topic_id, t.kafka_partition, t.kafka_offset,
       t.duplicates, t.last_duplicate_at
from trigger_ledger t
where t.run_id = %(run_id)s
   or (t.decision = 'REQUESTED_BACKFILL'
       and exists (select from backfill_request b
                   where b.backfill_run_id = %(backfill)s
                     and starts_with(b.reason, t.source || ' asked by event ' || t.event_id || ': ')))
order by t.received_at, t.source, t.event_id

-- name: run_backfill
select backfill_run_id, state, mode, dataset, partition_from as first, partition_to as last, reason, requested_by,
       requested_person, requested_at, planned_by, planned_person, planned_at, plan_digest
from backfill_request
where backfill_run_id = %(backfill)s

-- name: run_approvals
-- Only approvals of the plan that was executed.
select a.level, a.login, a.person, a.approved_at
from backfill_approval a
join backfill_request b using (backfill_run_id, plan_digest)
where a.backfill_run_id = %(backfill)s
order by a.level

-- name: run_attempts
select attempt, state, requested_by, requested_at, not_before, started_at, heartbeat_at, ended_at, exit_class, message,
       launcher_ref
from run_attempt
where run_id = %(run_id)s
order by attempt

-- name: run_decisions
select decision, after_attempt, person, reason, decided_at
from run_decision
where run_id = %(run_id)s
order by decision_id

-- name: run_ingested
-- What an ingest or an admission committed: one row for each sequence number.
select c.dataset, c.seq as sequence, c.kind, c.attempt, c.snapshot_id, c.committed_at, c.records, c.accepted,
       c.duplicates, c.conflicts, c.rejected, c.rejected_by_reason,
       coalesce((select jsonb_agg(jsonb_build_object(
                            'topic', r.topic, 'epoch', r.epoch, 'partition', r.kafka_partition,
                            'start', r.start_offset, 'end', r.end_offset, 'records', r.records,
                            'non_records', r.non_records, 'lost', r.lost)
                        order by r.topic, r.epoch, r.kafka_partition, r.start_offset)
                 from ingest_source_range r where r.dataset = c.dataset and r.seq = c.seq), '[]') as ranges
from ingest_commit c
where c.run_id = %(run_id)s
order by c.dataset, c.seq

-- name: run_inputs
-- The input partitions and versions of a run's versions; consecutive partitions of one version are one row. For
-- silver/case_events and bronze/control_totals the version is the pinned sequence number.
with used as (
    select distinct i.input_dataset, i.input_partition, i.input_version
    from version_input i
    join dataset_version v using (dataset, version)
    where v.run_id = %(run_id)s
), numbered as (
    select *, rank() over (partition by input_dataset order by input_partition)
            - row_number() over (partition by input_dataset, input_version order by input_partition) as island
    from used
)
select input_dataset as dataset, input_version as version, min(input_partition) as first, max(input_partition) as last,
       count(*) as partitions
from numbered
group by input_dataset, input_version, island
order by input_dataset, first, input_version

-- name: run_day_closes
-- How the dates of a run's partitions were closed: by the platform on signals, or by a person with a reason.
select business_date as date, closed_at, closed_by, reason, close_seq as sequence, totals_seq as totals_sequence
from day_close
where business_date between %(first)s and %(last)s
order by business_date

-- name: run_checks
-- Every check result of a run: each attempt that reached the gate was judged again.
select attempt, partition_key as partition, check_name as check, required, status, failures, expected, actual, detail,
       sample, evaluated_at
from quality_result
where run_id = %(run_id)s
order by attempt, partition_key, check_name

-- name: run_holds
select hold_id as hold, kind, partition_from as first, partition_to as last, reason, opened_at, released_at, released_by,
       release_reason
from hold
where run_id = %(run_id)s
order by hold_id

-- name: run_versions
-- The versions that a run made, each with its announcement.
select v.dataset, v.version, v.attempt, v.state, v.mode, v.quality_status, v.publication, v.transform_version,
       v.contract_version, v.supersedes, v.republished_from, v.caused_by, v.tolerated, v.base_snapshot_id,
       v.staged_snapshot_id, v.snapshot_id, v.staged_branch, v.prepared_at, v.completed_at, v.reason,
       p.partitions, p.first, p.last, p.rows
from dataset_version v
cross join lateral (
    select count(*) as partitions, min(partition_key) as first, max(partition_key) as last,
           coalesce(sum(row_count), 0)::bigint as rows
    from version_partition where dataset = v.dataset and version = v.version) p
where v.run_id = %(run_id)s
order by v.dataset, v.version

-- name: run_verifications
select r.dataset, r.version, r.partition_key as partition, r.outcome, r.reason, r.recorded_digest, r.stored_digest,
       r.computed_digest, r.transform_version, r.asked_by, r.verified_at
from verification r
join dataset_version v using (dataset, version)
where v.run_id = %(run_id)s
order by r.verification_id

-- name: run_announcements
select o.id::text as event_id, o.type as event_type, o.created_at, d.topic, d.kafka_partition, d.kafka_offset,
       d.delivered_at
from outbox o
left join outbox_delivery d using (id)
where o.aggregatetype = 'dataset' and o.payload ->> 'runId' = %(run_id)s
order by o.position

-- name: manifest_get
select * from run_manifest where run_id = %(run_id)s

-- name: manifest_open
select * from run_manifest where state = 'OPEN' order by requested_at, run_id

-- name: manifest_other_running
-- Running manifests of the same kind of work: everything that ingests into a dataset or computes its official partitions;
-- admissions are a kind of their own. An open republish has precedence over computation, also between two attempts.
select m.run_id
from run_manifest m
where m.dataset = %(dataset)s and m.state = 'OPEN' and m.run_id <> %(run_id)s
  and (m.pipeline = 'admission') = (%(pipeline)s = 'admission')
  and (m.mode = %(mode)s or m.mode in ('NORMAL', 'BACKFILL') and %(mode)s in ('NORMAL', 'BACKFILL'))
  and (exists (select from run_attempt a where a.run_id = m.run_id and a.state = 'RUNNING')
       or m.pipeline = 'republish' and %(pipeline)s <> 'republish')

-- name: manifest_supersede
with idle as (
    update run_manifest
    set state = 'SUPERSEDED', ended_at = clock_timestamp(), outcome = jsonb_build_object('superseded_by', %(run_id)s::text)
    where dataset = %(dataset)s and state = 'OPEN' and run_id <> %(run_id)s
      and (pipeline = 'admission') = (%(pipeline)s = 'admission')
      and (mode = %(mode)s or mode in ('NORMAL', 'BACKFILL') and %(mode)s in ('NORMAL', 'BACKFILL'))
    returning run_id
)
update run_attempt a
set state = 'CANCELLED', ended_at = clock_timestamp(), message = 'superseded'
from idle
where a.run_id = idle.run_id and a.state = 'REQUESTED'

-- name: manifest_insert
insert into run_manifest (run_id, pipeline, dataset, scope, transform_version, mode, parameters,
                          partition_from, partition_to, requested_by, caused_by)
values (%(run_id)s, %(pipeline)s, %(dataset)s, %(scope)s, %(transform_version)s, %(mode)s, %(parameters)s,
        %(partition_from)s, %(partition_to)s, %(requested_by)s, %(caused_by)s)
on conflict (run_id) do update set
    -- Reopen a superseded scope that is due again: a sequence never falls, but a hold can be released.
    state = case when run_manifest.state = 'SUPERSEDED' then 'OPEN' else run_manifest.state end,
    ended_at = case when run_manifest.state = 'SUPERSEDED' then null else run_manifest.ended_at end

-- name: attempt_next
-- A paused or ended backfill gets no further attempt, so that it takes no slot in a queue.
insert into run_attempt (run_id, attempt, requested_by)
select m.run_id, coalesce(max(a.attempt), 0) + 1, %(requested_by)s
from run_manifest m
left join run_attempt a on a.run_id = m.run_id
where m.run_id = %(run_id)s and m.state = 'OPEN'
  and not exists (select from backfill_request r
                  where r.backfill_run_id = m.parameters ->> 'backfill_run_id' and r.state <> 'EXECUTING')
group by m.run_id
having count(*) filter (where a.state in ('REQUESTED', 'RUNNING')) = 0
   and coalesce(max(a.not_before), '-infinity') <= clock_timestamp()
on conflict do nothing
returning attempt

-- name: attempt_at_once
-- A person who asks again does not wait for the backoff.
update run_attempt set not_before = clock_timestamp() where run_id = %(run_id)s and not_before > clock_timestamp()

-- name: manifest_cancel_of_backfills
-- Close open work of ended backfills, unless an attempt is under way: that one finds out by itself.
with over as (
    update run_manifest m
    set state = 'CANCELLED', ended_at = clock_timestamp(),
        outcome = jsonb_build_object('error', 'its backfill is ' || r.state)
    from backfill_request r
    where r.backfill_run_id = m.parameters ->> 'backfill_run_id' and m.mode <> 'NORMAL' and m.state = 'OPEN'
      and r.state in ('CANCELLED', 'FAILED', 'COMPLETED')
      and not exists (select from run_attempt a where a.run_id = m.run_id and a.state = 'RUNNING')
    returning m.run_id
)
update run_attempt a
set state = 'CANCELLED', ended_at = clock_timestamp(), message = 'its backfill ended'
from over
where a.run_id = over.run_id and a.state = 'REQUESTED'

-- name: attempt_requested
select m.*, a.attempt
from run_attempt a
join run_manifest m using (run_id)
where a.state = 'REQUESTED' and m.state = 'OPEN'
order by a.requested_at, a.run_id

-- name: attempt_launch_failed
update run_attempt
set state = 'LAUNCH_FAILED', ended_at = clock_timestamp(), message = %(message)s
where run_id = %(run_id)s and attempt = %(attempt)s and state = 'REQUESTED'

-- name: attempt_lock
select a.state, a.token, m.dataset, m.state as manifest_state
from run_attempt a
join run_manifest m using (run_id)
where a.run_id = %(run_id)s and a.attempt = %(attempt)s
for update of a

-- name: attempt_start
update run_attempt
set state = 'RUNNING', started_at = clock_timestamp(), heartbeat_at = clock_timestamp(), launcher_ref = %(launcher_ref)s
where run_id = %(run_id)s and attempt = %(attempt)s

-- name: attempt_defer
update run_attempt
set state = 'DEFERRED', ended_at = clock_timestamp(), exit_class = 0, message = %(message)s,
    not_before = clock_timestamp() + interval '5 seconds'
where run_id = %(run_id)s and attempt = %(attempt)s

-- name: claim_insert
insert into dataset_claim (dataset, run_id, attempt, token)
values (%(dataset)s, %(run_id)s, %(attempt)s, %(token)s)
on conflict (dataset) do nothing

-- name: claim_owner
select run_id from dataset_claim where dataset = %(dataset)s

-- name: claim_heartbeat
with beat as (
    update dataset_claim set heartbeat_at = clock_timestamp()
    where dataset = %(dataset)s and token = %(token)s
    returning run_id, attempt
)
update run_attempt a set heartbeat_at = clock_timestamp()
from beat where a.run_id = beat.run_id and a.attempt = beat.attempt and a.state = 'RUNNING'

-- name: claim_assert
select 1 from dataset_claim where dataset = %(dataset)s and token = %(token)s for update

-- name: claim_held
select 1 from dataset_claim where dataset = %(dataset)s and token = %(token)s

-- name: attempt_end
select state, exit_class, coalesce(message, '') as message
from run_attempt
where run_id = %(run_id)s and attempt = %(attempt)s

-- name: attempt_last_sign
select greatest(requested_at, started_at, heartbeat_at, ended_at) as at
from run_attempt
where run_id = %(run_id)s and attempt = %(attempt)s

-- name: claim_release
delete from dataset_claim where dataset = %(dataset)s and token = %(token)s

-- name: attempt_finish
update run_attempt
set state = %(state)s, exit_class = %(exit_class)s, ended_at = clock_timestamp(), message = %(message)s
where run_id = %(run_id)s and attempt = %(attempt)s and state = 'RUNNING'

-- name: attempt_lose
with freed as (
    delete from dataset_claim where run_id = %(run_id)s and attempt = %(attempt)s
)
update run_attempt
set state = 'LOST', ended_at = clock_timestamp(), exit_class = 20, message = %(message)s
where run_id = %(run_id)s and attempt = %(attempt)s and state = 'RUNNING'

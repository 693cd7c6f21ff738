-- name: audit_head
select sequence, digest from audit_head

-- name: audit_breaks
select sequence, source, row_key, problem from audit_breaks(%(limit)s)

-- name: restorations
select taken_at, restored_at from restoration order by restoration_id

-- name: audit_digests
select sequence, digest from audit_link where sequence = any(%(sequences)s)

-- name: maintenance_ended
-- Stages of a closed gate (exit class 10) are kept for people to examine, rows of a shadow for comparison. All other
-- stages are useless once their attempt has ended.
select a.run_id, a.attempt
from run_attempt a
join run_manifest m using (run_id)
where m.dataset = %(dataset)s
  and a.ended_at is not null
  and (a.exit_class is distinct from 10 or a.ended_at < clock_timestamp() - %(keep_refused)s)
  and not exists (
      select from dataset_version v
      where v.dataset = m.dataset and v.run_id = a.run_id and v.attempt = a.attempt
        and v.state in ('PREPARED', 'ABANDONING'))
  and not exists (
      select from shadow s
      where s.run_id = a.run_id and s.attempt = a.attempt and s.recorded_at >= clock_timestamp() - %(shadows_kept)s)

-- name: maintenance_named_files
-- Files of versions, of chunks that open runs staged, and of shadows. Only an abandoned version needs none.
select f.file_path as location
from version_file f
join dataset_version v using (dataset, version)
where f.dataset = %(dataset)s and v.state <> 'ABANDONED'
union
select a.uri
from version_artifact a
join dataset_version v using (dataset, version)
where a.dataset = %(dataset)s and v.state <> 'ABANDONED'
union
select file ->> 'path'
from staged_chunk c
join run_manifest m using (run_id)
cross join lateral jsonb_array_elements(c.files) as file
where m.dataset = %(dataset)s
union
select file ->> 'path'
from shadow s
join shadow_partition p using (backfill_run_id)
cross join lateral jsonb_array_elements(p.files) as file
where s.dataset = %(dataset)s and s.recorded_at >= clock_timestamp() - %(shadows_kept)s

-- name: version_snapshots
select version, snapshot_id from dataset_version where dataset = %(dataset)s and state = 'COMPLETED'

-- name: repair_official_files
select f.partition_key, f.file_path, f.record_count, f.file_bytes, f.digest_high, f.digest_low, f.hash_from, f.hash_to
from partition_state s
join version_file f on f.dataset = s.dataset and f.version = s.current_version and f.partition_key = s.partition_key
where s.dataset = %(dataset)s
order by f.partition_key, f.hash_from

-- name: repair_recorded_files
-- Every file of a completed version, with the run that computed its rows; for a republished version that is the run of
-- the original one. Ordered for recomputation: a partition comes after those it is computed from.
select partition_key, file_path, record_count, file_bytes, digest_high, digest_low, hash_from, hash_to, run_id
from (select distinct on (f.file_path) f.*, v.run_id
      from version_file f
      join dataset_version v using (dataset, version)
      where f.dataset = %(dataset)s and v.state = 'COMPLETED'
      order by f.file_path, v.republished_from is not null, v.version) files
order by partition_key, version, hash_from

-- name: repair_plan
insert into repair (run_id, dataset, partition_key, file_path, action, record_count, bytes_before, bytes_after,
                    wrong_snapshot, wrong_since)
values (%(run_id)s, %(dataset)s, %(partition)s, %(path)s, %(action)s, %(rows)s, %(bytes_before)s, %(bytes_after)s,
        %(wrong_snapshot)s, %(wrong_since)s)
on conflict (run_id, file_path, action) do update set bytes_after = excluded.bytes_after
where repair.snapshot_id is null

-- name: repair_done
update repair set snapshot_id = %(snapshot_id)s, mended_at = clock_timestamp()
where run_id = %(run_id)s and snapshot_id is null

-- name: repair_of_run
select partition_key, file_path, action, record_count, wrong_snapshot, wrong_since, snapshot_id
from repair where run_id = %(run_id)s
order by partition_key, action, file_path

-- name: rebuild_counts
select seq, records, accepted, conflicts + rejected as refused
from ingest_commit
where dataset = 'silver/case_events' and kind = 'INGEST'
order by seq

-- name: rebuild_ingests
-- What the ledger records of each ingest: what became of its records, and the first date that each fact changes, held
-- facts included. Admissions are left out: their facts came with earlier numbers.
select c.seq, c.records, c.accepted, c.duplicates, c.conflicts, c.rejected_by_reason, c.committed_at,
       (select coalesce(jsonb_object_agg(dirty_from, facts), '{}')
        from (select dirty_from, sum(facts)::bigint as facts
              from (select d.dirty_from, d.facts from ingest_dates d where d.ingest_seq = c.seq
                    union all
                    select f.dirty_from, 1 from fact_admission f where f.ingest_seq = c.seq) each
              group by dirty_from) by_date) as facts
from ingest_commit c
where c.dataset = 'silver/case_events' and c.kind = 'INGEST' and c.seq between %(first)s and %(last)s
order by c.seq

-- name: standing_audit
select count(*) over () as total, sequence, source, row_key, problem from audit_breaks(null) limit %(limit)s

-- name: standing_rights
-- Who could change people's decisions or stop the platform without permission. Superusers always can.
with the_owner as (
    select r.oid, r.rolname, r.rolsuper from pg_class c join pg_roles r on r.oid = c.relowner
    where c.oid = 'casegold.alembic_version'::regclass
), platform as (
    select r.* from pg_roles r
    where r.rolcanlogin and not r.rolsuper and pg_has_role(r.oid, 'casegold_runtime', 'USAGE')
      and r.oid not in (select oid from the_owner)
), decided as (
    select c.oid, c.relname, c.relowner
    from audit_source s join pg_class c on c.relname = s.source and c.relnamespace = 'casegold'::regnamespace
    union all
    select c.oid, c.relname, c.relowner
    from pg_class c where c.relnamespace = 'casegold'::regnamespace and c.relname in ('audit_link', 'audit_lock', 'audit_source')
), found (problem) as (
    select 'this connection is a superuser''s or the owner''s: ' || session_user
    from pg_roles r where r.rolname = session_user
      and (r.rolsuper or pg_has_role(session_user, (select oid from the_owner), 'MEMBER'))
    union all
    select format('%%s may make roles, databases or pass row security', rolname)
    from platform where rolcreaterole or rolcreatedb or rolbypassrls or rolreplication
    union all
    select format('%%s may become the owner', p.rolname) from platform p, the_owner o where pg_has_role(p.oid, o.oid, 'MEMBER')
    union all
    select format('%%s may become casegold_audit: a superuser runs deploy/postgres/seal.sql', r.rolname)
    from pg_roles r where not r.rolsuper and r.rolcanlogin and pg_has_role(r.oid, 'casegold_audit', 'MEMBER')
    union all
    select 'the schema casegold does not belong to casegold_audit'
    from pg_namespace where nspname = 'casegold' and nspowner <> 'casegold_audit'::regrole
    union all
    select format('%%s does not belong to casegold_audit', relname) from decided where relowner <> 'casegold_audit'::regrole
    union all
    select format('%%s may %%s %%s', p.rolname, lower(priv), d.relname)
    from platform p, decided d, unnest(array['UPDATE', 'DELETE', 'TRUNCATE', 'TRIGGER']) priv
    where has_table_privilege(p.oid, d.oid, priv)
    union all
    select format('%%s may insert into %%s', p.rolname, d.relname)
    from platform p, decided d
    where d.relname <> 'run_decision' and has_table_privilege(p.oid, d.oid, 'INSERT')
    union all
    select format('the trigger %%s of %%s is off, or sleeps in replicas', t.tgname, d.relname)
    from decided d join pg_trigger t on t.tgrelid = d.oid
    where not t.tgisinternal and t.tgenabled <> 'A'
    union all
    select format('%%s is not chained', d.relname)
    from decided d join audit_source s on s.source = d.relname
    where not exists (select from pg_trigger t where t.tgrelid = d.oid and t.tgname = 'audit_is_chained')
    union all
    select 'everybody may call ' || p.oid::regprocedure
    from pg_proc p
    where p.oid in ('lo_create(oid)'::regprocedure, 'lo_from_bytea(oid, bytea)'::regprocedure,
                    'pg_advisory_lock(bigint)'::regprocedure, 'pg_advisory_xact_lock(bigint)'::regprocedure)
      and has_function_privilege('casegold_people', p.oid, 'EXECUTE')
)
select count(*) over () as total, problem from found order by problem limit %(limit)s

-- name: standing_irreproducible
-- Official partitions whose last conclusive verification, in the version that is official, found a difference.
select s.dataset, s.partition_key as partition, s.current_version as version, found.verified_at as found_at,
       found.reason, found.asked_by, count(*) over () as total
from partition_state s
cross join lateral (select v.* from verification v
                    where v.dataset = s.dataset and v.partition_key = s.partition_key and v.version = s.current_version
                      and v.outcome <> 'UNVERIFIABLE'
                    order by v.verification_id desc limit 1) found
where found.outcome = 'DIFFERENT'
order by found.verified_at, s.dataset, s.partition_key
limit %(limit)s

-- name: standing_unverifiable
-- Official partitions that the last verification could not recompute.
select s.dataset, s.partition_key as partition, s.current_version as version, found.verified_at as found_at,
       found.reason, count(*) over () as total
from partition_state s
cross join lateral (select v.* from verification v
                    where v.dataset = s.dataset and v.partition_key = s.partition_key and v.version = s.current_version
                    order by v.verification_id desc limit 1) found
where found.outcome = 'UNVERIFIABLE'
order by found.verified_at, s.dataset, s.partition_key
limit %(limit)s

-- name: standing_positions
-- Positions of ingest that differ from what its commits cover: the ranges of a partition must follow each other without
-- a gap and end at the position.
with accounted as (
    select dataset, topic, epoch, kafka_partition, min(start_offset) as first, max(end_offset) as last,
           sum(end_offset - start_offset) as offsets
    from ingest_source_range
    group by dataset, topic, epoch, kafka_partition
)
select p.consumer as dataset, p.topic, p.epoch, p.kafka_partition as partition, p.position, a.last as "accounted to",
       a.last - a.first - a.offsets as "offsets between ranges", count(*) over () as total
from source_position p
join accounted a on a.dataset = p.consumer and a.topic = p.topic and a.epoch = p.epoch
    and a.kafka_partition = p.kafka_partition
where a.last <> p.position or a.offsets <> a.last - a.first
order by p.consumer, p.topic, p.epoch, p.kafka_partition
limit %(limit)s

-- name: standing_undecided
-- Undecided versions of datasets that no live run claims.
select v.dataset, v.version, v.state, v.run_id as run, v.prepared_at, count(*) over () as total
from dataset_version v
where v.state in ('PREPARED', 'ABANDONING')
  and not exists (
      select from dataset_claim c
      where c.dataset = v.dataset and c.heartbeat_at > clock_timestamp() - make_interval(secs => %(dead_after)s)
  )
order by v.dataset
limit %(limit)s

-- name: standing_undelivered
select o.id::text as event, o.aggregatetype as aggregate, o.aggregateid as of, o.type, o.created_at,
       count(*) over () as total
from outbox o
where o.created_at < clock_timestamp() - interval '10 minutes'
  and not exists (select from outbox_delivery d where d.id = o.id)
order by o.position
limit %(limit)s

-- name: standing_unheard
-- Announcements recorded as delivered that the consumer `publish_events` has not seen, although it is past their offset.
select d.id::text as event, d.topic, d.kafka_partition as partition, d.kafka_offset as offset, d.delivered_at,
       count(*) over () as total
from outbox_delivery d
join source_position p on p.consumer = 'publish_events' and p.topic = d.topic and p.kafka_partition = d.kafka_partition
where d.delivered_at > clock_timestamp() - interval '7 days'
  and d.kafka_offset < p.position
  and p.epoch = (select max(epoch) from source_epoch e where e.topic = d.topic)
  and not exists (select from trigger_ledger t where t.source = %(source)s and t.event_id = d.id::text)
order by d.topic, d.kafka_partition, d.kafka_offset
limit %(limit)s

-- name: standing_lost_offsets
select topic, epoch, kafka_partition as partition, start_offset, end_offset, lost, sum(lost) over () as total
from ingest_source_range
where lost > 0
order by topic, epoch, kafka_partition, start_offset
limit %(limit)s

-- name: standing_held_facts
select source, event_id, event_type, case_id, dirty_from, held_because, held_at, count(*) over () as total
from fact_admission
where state = 'HELD'
order by dirty_from, source, event_id
limit %(limit)s

-- name: standing_open_conflicts
select source, event_id, event_type, case_id, effective_date, recorded_date, topic, kafka_partition as partition,
       kafka_offset as "offset", count(*) over () as total
from event_conflict
where state = 'OPEN'
order by effective_date, source, event_id, kafka_offset
limit %(limit)s

-- name: standing_rejected_facts
-- Dates whose official version was judged before these records were rejected: the gate has not seen them.
select r.effective_date, sum(r.records)::bigint as records, min(c.committed_at) as first_rejected_at,
       s.current_version as version, sum(sum(r.records)) over () as total
from ingest_rejected_dates r
join ingest_commit c on c.dataset = r.dataset and c.seq = r.ingest_seq
join partition_state s on s.dataset = 'gold/case_daily_snapshot' and s.partition_key = r.effective_date
where s.current_version is not null and s.seen_seq < r.ingest_seq
group by r.effective_date, s.current_version
order by r.effective_date
limit %(limit)s

-- name: standing_open_holds
select hold_id as hold, dataset, partition_from as first, partition_to as last, kind, reason, opened_at,
       count(*) over () as total
from hold
where released_at is null
order by dataset, partition_from, hold_id
limit %(limit)s

-- name: standing_failed_runs
-- A failed run is no open item once a later run of the dataset and mode has succeeded.
select m.run_id, m.dataset, m.partition_from as first, m.partition_to as last, m.ended_at,
       coalesce(m.outcome ->> 'error', m.outcome::text) as error, count(*) over () as total
from run_manifest m
where m.state = 'FAILED'
  and not exists (
      select from run_manifest later
      where later.dataset = m.dataset and later.mode = m.mode and later.state = 'SUCCEEDED'
        and later.ended_at > m.ended_at)
order by m.ended_at desc
limit %(limit)s

-- name: standing_stuck_attempts
-- An attempt waits seconds for a launcher and sends a heartbeat every few seconds; ten minutes without either is too long.
select m.dataset, a.run_id, a.attempt, a.state, s.last_sign_at,
       extract(epoch from clock_timestamp() - s.last_sign_at)::bigint as seconds_without, count(*) over () as total
from run_attempt a
join run_manifest m using (run_id)
cross join lateral (select greatest(a.requested_at, a.started_at, a.heartbeat_at) as last_sign_at) s
where a.state in ('REQUESTED', 'RUNNING') and m.state = 'OPEN'
  and s.last_sign_at < clock_timestamp() - interval '10 minutes'
order by s.last_sign_at
limit %(limit)s

-- name: standing_open_requests
select backfill_run_id as request, dataset, partition_from as first, partition_to as last, state, reason, requested_at,
       expires_at, count(*) over () as total
from backfill_request
where state in ('REQUESTED', 'PLANNED', 'APPROVED', 'PAUSED')
order by requested_at, backfill_run_id
limit %(limit)s

-- name: standing_register
select (select max(business_date) from day_close) as latest_closed,
       (select min(business_date) from control_total) as first_counted

-- name: verification_official
-- Official partitions with both records of their figures, and the run that computed them; for a republished version, the
-- run of the original one.
with recursive made as (
    select s.partition_key, v.version, v.republished_from
    from partition_state s
    join dataset_version v on v.dataset = s.dataset and v.version = s.current_version
    where s.dataset = %(dataset)s and s.partition_key between %(first)s and %(last)s
    union all
    select m.partition_key, v.version, v.republished_from
    from made m
    join dataset_version v on v.dataset = %(dataset)s and v.version = m.republished_from
)
select s.partition_key, s.current_version as version, s.row_count, s.digest_high, s.digest_low,
       p.row_count as version_rows, p.digest_high as version_high, p.digest_low as version_low,
       v.run_id, v.transform_version
from made m
join partition_state s on s.dataset = %(dataset)s and s.partition_key = m.partition_key
join version_partition p
    on p.dataset = s.dataset and p.version = s.current_version and p.partition_key = s.partition_key
join dataset_version v on v.dataset = s.dataset and v.version = m.version
where m.republished_from is null
order by s.partition_key

-- name: verification_oldest
-- Official partitions: first those never verified in their version, then those verified longest ago.
select s.partition_key
from partition_state s
left join lateral (select max(v.verification_id) as last from verification v
                   where v.dataset = s.dataset and v.partition_key = s.partition_key
                     and v.version = s.current_version) looked on true
where s.dataset = %(dataset)s and s.current_version is not null
order by looked.last nulls first, s.partition_key
limit %(size)s

-- name: verification_insert
insert into verification (dataset, version, partition_key, outcome, reason, recorded_digest, stored_digest,
                          computed_digest, transform_version, asked_by)
values (%(dataset)s, %(version)s, %(partition)s, %(outcome)s, %(reason)s, %(recorded)s, %(stored)s,
        %(computed)s, %(transform_version)s, %(asked_by)s)

-- name: reconciled_get
select version, snapshot_id from reconciliation where dataset = %(dataset)s

-- name: reconciled_set
insert into reconciliation (dataset, version, snapshot_id)
values (%(dataset)s, %(version)s, %(snapshot_id)s)
on conflict (dataset) do update
set version = excluded.version, snapshot_id = excluded.snapshot_id, reconciled_at = clock_timestamp()

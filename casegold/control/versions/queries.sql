-- name: partition_states
select partition_key, current_version, row_count, digest_high, digest_low
from partition_state
where dataset = %(dataset)s and partition_key between %(first)s and %(last)s and current_version is not null
order by partition_key

-- name: causes_version
select v.caused_by, v.republished_from, v.supersedes, count(p.previous_version) as restated, count(*) as partitions
from dataset_version v
join version_partition p using (dataset, version)
where v.dataset = %(dataset)s and v.version = %(version)s and v.state = 'COMPLETED'
  and (%(partition)s::date is null or p.partition_key = %(partition)s)
group by v.dataset, v.version

-- name: causes_spans
-- Restated partitions that were computed from facts: the sequence numbers between old and new version. Partitions with
-- the same two numbers are one span, up to the last of them.
select b.input_version as after_seq, a.input_version as until_seq, max(p.partition_key) as last
from version_partition p
join version_input a on a.dataset = p.dataset and a.version = p.version and a.partition_key = p.partition_key
join version_input b on b.dataset = p.dataset and b.version = p.previous_version and b.partition_key = p.partition_key
where p.dataset = %(dataset)s and p.version = %(version)s
  and (%(partition)s::date is null or p.partition_key = %(partition)s)
  and a.input_dataset = 'silver/case_events' and b.input_dataset = a.input_dataset and a.input_version > b.input_version
group by b.input_version, a.input_version
order by after_seq, until_seq

-- name: causes_inputs
-- Restated partitions made from partitions: the inputs whose version changed.
with old as (
    select i.input_dataset, i.input_partition, i.input_version
    from version_partition p
    join version_input i on i.dataset = p.dataset and i.version = p.previous_version and i.partition_key = p.partition_key
    where p.dataset = %(dataset)s and p.version = %(version)s
      and (%(partition)s::date is null or p.partition_key = %(partition)s)
), new as (
    select i.input_dataset, i.input_partition, i.input_version
    from version_partition p
    join version_input i using (dataset, version, partition_key)
    where p.dataset = %(dataset)s and p.version = %(version)s and p.previous_version is not null
      and (%(partition)s::date is null or p.partition_key = %(partition)s)
)
select input_dataset, old.input_version as before, new.input_version as after, min(input_partition) as first,
       max(input_partition) as last, count(*) as partitions
from (select distinct * from old) as old
full join (select distinct * from new) as new using (input_dataset, input_partition)
where old.input_version is distinct from new.input_version
  and input_dataset not in ('silver/case_events', 'bronze/control_totals')
group by input_dataset, old.input_version, new.input_version
order by input_dataset, first, before, after

-- name: causes_admissions
-- Facts that were held or admitted within a range of sequence numbers.
select source, event_id, dirty_from, ingest_seq, admitted_seq
from fact_admission
where (ingest_seq > %(after_seq)s and ingest_seq <= %(until_seq)s)
   or (admitted_seq > %(after_seq)s and admitted_seq <= %(until_seq)s)

-- name: recorded_version
select quality_status, publication, transform_version, contract_version, seen, tolerated
from dataset_version
where dataset = %(dataset)s and version = %(version)s and state = 'COMPLETED'

-- name: compared_partitions
-- Partitions whose content differs between two versions: only those published in between can differ.
with touched as (
    select distinct p.partition_key
    from version_partition p
    join dataset_version v using (dataset, version)
    where p.dataset = %(dataset)s and v.state = 'COMPLETED'
      and p.version > least(%(before)s::bigint, %(after)s::bigint)
      and p.version <= greatest(%(before)s::bigint, %(after)s::bigint)
      and (%(partition)s::date is null or p.partition_key = %(partition)s)
)
select t.partition_key, b.version as before, a.version as after, coalesce(b.row_count, 0) as rows_before,
       coalesce(a.row_count, 0) as rows_after
from touched t
left join lateral (
    select p.version, p.row_count, p.digest_high, p.digest_low
    from version_partition p
    join dataset_version v using (dataset, version)
    where p.dataset = %(dataset)s and p.partition_key = t.partition_key and v.state = 'COMPLETED' and p.version <= %(before)s
    order by p.version desc
    limit 1
) b on true
left join lateral (
    select p.version, p.row_count, p.digest_high, p.digest_low
    from version_partition p
    join dataset_version v using (dataset, version)
    where p.dataset = %(dataset)s and p.partition_key = t.partition_key and v.state = 'COMPLETED' and p.version <= %(after)s
    order by p.version desc
    limit 1
) a on true
where (b.version is null) <> (a.version is null)
   or (b.row_count, b.digest_high, b.digest_low) is distinct from (a.row_count, a.digest_high, a.digest_low)
order by t.partition_key

-- name: compared_files
select file_path
from version_file f
join unnest(%(versions)s::bigint[], %(partitions)s::date[]) as wanted (version, partition_key) using (version, partition_key)
where f.dataset = %(dataset)s

-- name: hold_open_within
select hold_id, kind, partition_from, partition_to, fingerprint, reason
from hold
where dataset = %(dataset)s and released_at is null
  and partition_from <= %(last)s and partition_to >= %(first)s
order by partition_from, hold_id

-- name: hold_fingerprint
-- Restricted to what a run had pinned or could see when it was requested; null means now.
select
    (select max(ingest_seq) from ingest_dates
     where dirty_from <= %(last)s and ingest_seq <= coalesce(%(admitted_seq)s, ingest_seq)) as facts_until,
    (select max(totals_seq) from control_total
     where business_date between %(first)s and %(last)s and totals_seq <= coalesce(%(totals_seq)s, totals_seq)) as totals_until,
    -- Rejected records matter for completeness. Their dates are not known here, so any new one changes the fingerprint.
    (select max(seq) from ingest_commit
     where dataset = 'silver/case_events' and rejected > 0 and seq <= coalesce(%(admitted_seq)s, seq)) as rejected_until,
    (select count(*) from event_conflict
     where (effective_date between %(first)s and %(last)s or recorded_date between %(first)s and %(last)s)
       and ingest_seq <= coalesce(%(admitted_seq)s, ingest_seq)
       and (decided_at is null or decided_at > %(as_of)s::timestamptz)) as open_conflicts,
    (select count(*) from fact_admission
     where dirty_from <= %(last)s and ingest_seq <= coalesce(%(admitted_seq)s, ingest_seq)) as facts_held,
    (select max(decided_at) from fact_admission
     where dirty_from <= %(last)s and decided_at <= coalesce(%(as_of)s::timestamptz, decided_at)) as decided_at

-- name: hold_release_judged
update hold
set released_at = clock_timestamp(), released_by = 'casegold', release_reason = 'judged again in run ' || %(run_id)s
where dataset = %(dataset)s and kind = 'GATE' and released_at is null
  and partition_from between %(first)s and %(last)s
  and (partition_from, partition_to) is distinct from (%(held_first)s::date, %(held_last)s::date)

-- name: hold_gate
insert into hold (dataset, partition_from, partition_to, kind, fingerprint, run_id, reason)
values (%(dataset)s, %(held_first)s, %(held_last)s, 'GATE', %(fingerprint)s, %(run_id)s, %(reason)s)
on conflict (dataset, kind, partition_from, partition_to) where released_at is null
do update set fingerprint = excluded.fingerprint, run_id = excluded.run_id, reason = excluded.reason
    where hold.fingerprint <> excluded.fingerprint
returning hold_id

-- name: hold_release
update hold
set released_at = clock_timestamp(), released_by = %(person)s, release_reason = %(reason)s
-- The hold of a pin ends with the pin (`pin_release`).
where hold_id = %(hold_id)s and kind <> 'PINNED' and released_at is null

-- name: hold_waivers
select waiver_id from waiver
where dataset = %(dataset)s and approved_by is not null
  and partition_from <= %(last)s and partition_to >= %(first)s
order by waiver_id

-- name: impact_of_version
select dataset, partition_key, version from version_partition where dataset = %(dataset)s and version = %(version)s

-- name: impact_of_transform
-- What a version of a transform published, and what was computed from that. The first step affects whole versions, so one
-- join finds what `made_with` would find for each of their partitions; the next steps are as in `impact`.
with recursive seeded as materialized (
    select dataset, version from dataset_version
    where state = 'COMPLETED' and transform_version = %(transform_version)s and dataset = any(%(datasets)s)
), beyond as materialized (
    select i.dataset, i.partition_key, i.version
    from version_input i
    join seeded s on s.dataset = i.input_dataset and s.version = i.input_version
    where not exists (select from seeded o where o.dataset = i.dataset and o.version = i.version)
    union
    select p.dataset, p.partition_key, p.version
    from run_manifest m
    join seeded s on s.dataset = m.dataset and s.version = (m.scope ->> 'previous_version')::bigint
    join dataset_version v on v.run_id = m.run_id and v.dataset = m.dataset
    join version_partition p on p.dataset = v.dataset and p.version = v.version
    where not exists (select from seeded o where o.dataset = v.dataset and o.version = v.version)
), hit (dataset, partition_key, version) as (
    select dataset, partition_key, version from beyond
    union
    select edge.dataset, edge.partition_key, edge.version
    from hit
    cross join lateral made_with(hit.dataset, hit.partition_key, hit.version) edge
), affected as (
    select p.dataset, p.partition_key, p.version from version_partition p join seeded using (dataset, version)
    union all
    select dataset, partition_key, version from hit
    where not exists (select from seeded o where o.dataset = hit.dataset and o.version = hit.version)
), counted as (
    select a.dataset, a.version, count(*) as partitions, min(a.partition_key) as first, max(a.partition_key) as last,
           count(*) filter (where s.current_version = a.version) as current,
           min(a.partition_key) filter (where s.current_version = a.version) as current_first,
           max(a.partition_key) filter (where s.current_version = a.version) as current_last
    from affected a
    left join partition_state s on s.dataset = a.dataset and s.partition_key = a.partition_key
    group by a.dataset, a.version
)
select counted.*, v.transform_version, v.completed_at
from counted
join dataset_version v using (dataset, version)
where v.state = 'COMPLETED'
order by dataset, version

-- name: impact_of_file
select dataset, partition_key, version from version_file where file_path = %(path)s

-- name: impact_admission
select state, dirty_from, admitted_seq from fact_admission where source = %(source)s and event_id = %(event_id)s

-- name: impact_of_fact
-- Partitions from the first date that the fact can change, computed at a sequence that includes it.
select i.dataset, i.partition_key, i.version
from version_input i
where i.input_dataset = 'silver/case_events' and i.input_partition >= %(dirty_from)s and i.input_version >= %(admitted_seq)s

-- name: impact
-- What was computed from some published partitions, transitively.
with recursive hit (dataset, partition_key, version) as (
    select dataset, partition_key, version
    from unnest(%(datasets)s::text[], %(partitions)s::date[], %(versions)s::bigint[]) as seed (dataset, partition_key, version)
    union
    select edge.dataset, edge.partition_key, edge.version
    from hit
    cross join lateral made_with(hit.dataset, hit.partition_key, hit.version) edge
)
select hit.dataset, hit.version, count(*) as partitions, min(hit.partition_key) as first, max(hit.partition_key) as last,
       count(*) filter (where s.current_version = hit.version) as current,
       min(hit.partition_key) filter (where s.current_version = hit.version) as current_first,
       max(hit.partition_key) filter (where s.current_version = hit.version) as current_last,
       v.transform_version, v.completed_at
from hit
join dataset_version v on v.dataset = hit.dataset and v.version = hit.version and v.state = 'COMPLETED'
left join partition_state s on s.dataset = hit.dataset and s.partition_key = hit.partition_key
group by hit.dataset, hit.version, v.transform_version, v.completed_at
order by hit.dataset, hit.version

-- name: planner_seen_inputs
select partition_key, seen_inputs, current_version, pinned, released from partition_state where dataset = %(dataset)s

-- name: planner_official_versions
-- Published partitions without an open hold. A pinned partition stays official in spite of its hold.
select s.partition_key, s.current_version
from partition_state s
where s.dataset = %(dataset)s and s.current_version is not null
  and (s.pinned or not exists (select from hold h
                               where h.dataset = s.dataset and h.released_at is null
                                 and s.partition_key between h.partition_from and h.partition_to))

-- name: pin_first
select first, reason from pinned_range where dataset = %(dataset)s order by first limit 1

-- name: pin_unpinned_from
-- The first closed date from a given one on that is not pinned.
select min(d.business_date) as first
from day_close d
left join partition_state s on s.dataset = %(dataset)s and s.partition_key = d.business_date
where d.business_date >= %(first)s and not coalesce(s.pinned, false)

-- name: pin_released
select distinct current_version
from partition_state
where dataset = %(dataset)s and partition_key between %(first)s and %(last)s and released
order by current_version

-- name: pin_holds_close
-- Release holds whose pinned range has ended or become smaller.
update hold h
set released_at = clock_timestamp(), released_by = %(person)s, release_reason = %(reason)s
where h.dataset = %(dataset)s and h.kind = 'PINNED' and h.released_at is null
  and not exists (select from pinned_range r
                  where r.dataset = h.dataset and (r.first, r.last, r.run_id) = (h.partition_from, h.partition_to, h.run_id))

-- name: pin_holds_open
insert into hold (dataset, partition_from, partition_to, kind, fingerprint, run_id, reason)
select r.dataset, r.first, r.last, 'PINNED', '', r.run_id, r.reason
from pinned_range r
where r.dataset = %(dataset)s
on conflict (dataset, kind, partition_from, partition_to) where released_at is null do nothing

-- name: pin_release
update partition_state
set pinned = false, released = true, updated_at = clock_timestamp()
where dataset = %(dataset)s and pinned and (%(partition)s::date is null or partition_key = %(partition)s)
returning partition_key

-- name: published_partitions
-- A dataset made from partitions has no sequence: 0 becomes null. For a republished version, what it was computed from
-- counts, not what its partitions have seen since.
select s.partition_key, s.row_count, s.digest_high, s.digest_low, v.version, v.quality_status, v.publication, v.run_id,
       case when v.republished_from is null then nullif(s.seen_seq, 0)
            else nullif((v.seen ->> 'admitted_seq')::bigint, 0) end as admitted_seq,
       case when v.republished_from is null then nullif(s.seen_totals_seq, 0)
            else nullif((v.seen ->> 'totals_seq')::bigint, 0) end as totals_seq,
       v.transform_version, v.contract_version
from partition_state s
join dataset_version v on v.dataset = s.dataset and v.version = s.current_version
where s.dataset = %(dataset)s and s.partition_key = any(%(keys)s::date[])
order by s.partition_key

-- name: published_inputs
-- Gaps and islands: 31 consecutive input partitions of one version are one row.
with numbered as (
    select input_dataset, input_partition, input_version,
           input_partition - (row_number() over (
               partition by input_dataset, input_version order by input_partition))::integer as island
    from version_input
    where dataset = %(dataset)s and version = %(version)s and partition_key = %(key)s
)
select input_dataset, input_version, min(input_partition) as first, max(input_partition) as last
from numbered
group by input_dataset, input_version, island
order by input_dataset, first

-- name: published_artifacts
select name, media_type, uri, bytes, sha256
from version_artifact
where dataset = %(dataset)s and version = %(version)s and partition_key = %(key)s
order by name

-- name: staged_get
select first_key, last_key, files, figures from staged_chunk where run_id = %(run_id)s

-- name: staged_insert
insert into staged_chunk (run_id, first_key, last_key, attempt, files, figures)
values (%(run_id)s, %(first)s, %(last)s, %(attempt)s, %(files)s, %(figures)s)

-- name: recorded_partitions
select partition_key, row_count, digest_high, digest_low
from version_partition
where dataset = %(dataset)s and version = %(version)s
order by partition_key

-- name: recorded_files
select partition_key, file_path, record_count, file_bytes, digest_high, digest_low, hash_from, hash_to
from version_file
where dataset = %(dataset)s and version = %(version)s and partition_key = any(%(partitions)s::date[])
order by partition_key, hash_from, file_path

-- name: recorded_inputs
select partition_key, input_dataset, input_partition, input_version
from version_input
where dataset = %(dataset)s and version = %(version)s and partition_key = any(%(partitions)s::date[])
order by partition_key, input_dataset, input_partition

-- name: recorded_artifacts
select partition_key, name, media_type, uri, bytes, sha256
from version_artifact
where dataset = %(dataset)s and version = %(version)s and partition_key = any(%(partitions)s::date[])
order by partition_key, name

-- name: recorded_again
-- The one republish of the wanted version in which all these partitions are official and pinned.
select min(s.current_version) as version
from partition_state s
join dataset_version v on v.dataset = s.dataset and v.version = s.current_version
where s.dataset = %(dataset)s and s.partition_key = any(%(partitions)s::date[])
  and s.pinned and v.republished_from = %(version)s
having count(*) = cardinality(%(partitions)s::date[]) and min(s.current_version) = max(s.current_version)

-- name: version_current
select current_version from partition_state
where dataset = %(dataset)s and partition_key = %(partition)s and current_version is not null

-- name: version_file_bytes
-- A rewritten file has the same rows and another size, in every version that has it. The repair records the old size.
update version_file set file_bytes = %(bytes_after)s where dataset = %(dataset)s and file_path = %(path)s

-- name: version_prepare
insert into dataset_version (dataset, version, run_id, attempt, token, mode, base_snapshot_id, staged_branch,
                             staged_snapshot_id, quality_status, publication, transform_version, contract_version,
                             caused_by, seen, republished_from, tolerated, supersedes)
select %(dataset)s, highest_number(%(dataset)s) + 1, %(run_id)s, %(attempt)s, %(token)s, %(mode)s, %(base_snapshot_id)s,
       %(staged_branch)s, %(staged_snapshot_id)s, %(quality_status)s, %(publication)s, %(transform_version)s,
       %(contract_version)s, %(caused_by)s, %(seen)s, %(republished_from)s, %(tolerated)s,
       max(version) filter (where state = 'COMPLETED')
from dataset_version
where dataset = %(dataset)s
returning *

-- name: version_partition_insert
insert into version_partition (dataset, version, partition_key, row_count, digest_high, digest_low, previous_version)
select %(dataset)s, %(version)s, %(key)s, %(rows)s, %(digest_high)s, %(digest_low)s,
       (select current_version from partition_state where dataset = %(dataset)s and partition_key = %(key)s)

-- name: version_file_insert
insert into version_file (dataset, version, partition_key, file_path, record_count, file_bytes, digest_high, digest_low,
                          hash_from, hash_to)
values (%(dataset)s, %(version)s, %(partition)s, %(path)s, %(rows)s, %(bytes)s, %(digest_high)s, %(digest_low)s,
        %(hash_from)s, %(hash_to)s)

-- name: version_input_insert
insert into version_input (dataset, version, partition_key, input_dataset, input_partition, input_version)
values (%(dataset)s, %(version)s, %(partition)s, %(input_dataset)s, %(input_partition)s, %(input_version)s)

-- name: version_artifact_insert
insert into version_artifact (dataset, version, partition_key, name, media_type, uri, bytes, sha256)
values (%(dataset)s, %(version)s, %(partition)s, %(name)s, %(media_type)s, %(uri)s, %(bytes)s, %(sha256)s)

-- name: version_next_number
select highest_number(%(dataset)s) + 1 as number

-- name: version_is_undecided
select version from dataset_version where dataset = %(dataset)s and state in ('PREPARED', 'ABANDONING')

-- name: version_undecided
select * from dataset_version where dataset = %(dataset)s and state in ('PREPARED', 'ABANDONING') for update

-- name: version_state
select state, token from dataset_version where dataset = %(dataset)s and version = %(version)s

-- name: version_abandoning
update dataset_version set state = 'ABANDONING', token = %(new_token)s
where dataset = %(dataset)s and version = %(version)s and state in ('PREPARED', 'ABANDONING')

-- name: version_abandon
update dataset_version set state = 'ABANDONED', reason = %(reason)s
where dataset = %(dataset)s and version = %(version)s and state = 'ABANDONING'

-- name: version_partition_keys
select partition_key from version_partition where dataset = %(dataset)s and version = %(version)s order by partition_key

-- name: version_files
select partition_key, file_path, record_count from version_file where dataset = %(dataset)s and version = %(version)s

-- name: version_complete
update dataset_version v set state = 'COMPLETED', snapshot_id = %(snapshot_id)s, completed_at = clock_timestamp()
where dataset = %(dataset)s and version = %(version)s and state in ('PREPARED', 'ABANDONING')
returning v.*, (select m.parameters ->> 'backfill_run_id' from run_manifest m where m.run_id = v.run_id) as backfill_run_id

-- name: version_republished_states
-- The seen sequences stay as they were: they never fall, and the pin stops the planner.
update partition_state s
set current_version = p.version, row_count = p.row_count, digest_high = p.digest_high, digest_low = p.digest_low,
    pinned = true, released = false, last_run_id = v.run_id, updated_at = clock_timestamp()
from version_partition p
join dataset_version v using (dataset, version)
where p.dataset = %(dataset)s and p.version = %(version)s
  and s.dataset = p.dataset and s.partition_key = p.partition_key

-- name: version_partition_states
insert into partition_state (dataset, partition_key, current_version, row_count, digest_high, digest_low, seen_seq,
                             seen_totals_seq, seen_inputs, seen_transform, seen_contract, last_run_id)
select p.dataset, p.partition_key, p.version, p.row_count, p.digest_high, p.digest_low,
       (v.seen ->> 'admitted_seq')::bigint, (v.seen ->> 'totals_seq')::bigint,
       v.seen -> 'inputs' ->> p.partition_key::text, v.seen ->> 'transform', v.seen ->> 'contract', v.run_id
from version_partition p
join dataset_version v using (dataset, version)
where p.dataset = %(dataset)s and p.version = %(version)s
on conflict (dataset, partition_key) do update set
    current_version = excluded.current_version, row_count = excluded.row_count,
    digest_high = excluded.digest_high, digest_low = excluded.digest_low,
    seen_seq = excluded.seen_seq, seen_totals_seq = excluded.seen_totals_seq, seen_inputs = excluded.seen_inputs,
    seen_transform = excluded.seen_transform, seen_contract = excluded.seen_contract,
    released = false, last_run_id = excluded.last_run_id, updated_at = clock_timestamp()

-- name: version_seen_states
-- Partitions that were judged with the version and did not change: they have seen as much, but keep their version.
update partition_state s
set seen_seq = (v.seen ->> 'admitted_seq')::bigint, seen_totals_seq = (v.seen ->> 'totals_seq')::bigint,
    seen_inputs = i.digest, seen_transform = v.seen ->> 'transform', seen_contract = v.seen ->> 'contract',
    released = false, last_run_id = v.run_id, updated_at = clock_timestamp()
from dataset_version v
cross join lateral jsonb_each_text(v.seen -> 'inputs') as i (key, digest)
where v.dataset = %(dataset)s and v.version = %(version)s
  and s.dataset = v.dataset and s.partition_key = i.key::date and s.current_version <> v.version

-- name: partition_mark_seen
update partition_state s
set seen_seq = (seen.value ->> 'admitted_seq')::bigint, seen_totals_seq = (seen.value ->> 'totals_seq')::bigint,
    seen_inputs = i.digest, seen_transform = seen.value ->> 'transform', seen_contract = seen.value ->> 'contract',
    released = false, last_run_id = %(run_id)s, updated_at = clock_timestamp()
from (select %(seen)s::jsonb as value) as seen
cross join lateral jsonb_each_text(seen.value -> 'inputs') as i (key, digest)
where s.dataset = %(dataset)s and s.partition_key = i.key::date

-- name: version_current_files
select f.partition_key, f.file_path, f.record_count, f.file_bytes, f.digest_high, f.digest_low, f.hash_from, f.hash_to
from partition_state s
join version_file f on f.dataset = s.dataset and f.version = s.current_version and f.partition_key = s.partition_key
where s.dataset = %(dataset)s and s.partition_key = any(%(partitions)s::date[])
order by f.partition_key, f.hash_from

-- name: version_inputs_pinned
-- A republished version was judged in the run of the original version.
select p.dataset, p.partition_key, p.version, v.quality_status,
       (select coalesce(array_agg(format('%%s: %%s, %%s', q.check_name, q.failures, q.detail) order by q.check_name), '{}')
        from quality_result q
        where q.run_id = coalesce(judged.run_id, v.run_id) and q.attempt = coalesce(judged.attempt, v.attempt)
          and q.partition_key = p.partition_key and q.status = 'TOLERATED') as tolerated
from unnest(%(datasets)s::text[], %(partitions)s::date[], %(versions)s::bigint[]) as wanted (dataset, partition_key, version)
join version_partition p using (dataset, partition_key, version)
join dataset_version v using (dataset, version)
left join dataset_version judged on judged.dataset = v.dataset and judged.version = v.republished_from
where v.state = 'COMPLETED'

-- name: version_files_pinned
select f.file_path
from unnest(%(datasets)s::text[], %(partitions)s::date[], %(versions)s::bigint[]) as wanted (dataset, partition_key, version)
join version_file f using (dataset, partition_key, version)
order by f.partition_key, f.hash_from

-- name: gate_result
insert into quality_result (run_id, attempt, partition_key, check_name, required, status, failures, expected, actual,
                            detail, sample)
values (%(run_id)s, %(attempt)s, %(partition)s, %(check)s, %(required)s, %(status)s, %(failures)s, %(expected)s,
        %(actual)s, %(detail)s, %(sample)s)
on conflict do nothing

-- name: list_versions
select v.dataset, v.version, v.state, v.quality_status, v.publication, v.mode, count(p.partition_key) as partitions,
       min(p.partition_key) as first, max(p.partition_key) as last, coalesce(sum(p.row_count), 0)::bigint as rows,
       v.completed_at, v.republished_from, v.run_id, v.caused_by
from dataset_version v
left join version_partition p using (dataset, version)
where %(dataset)s::text is null or v.dataset = %(dataset)s
group by v.dataset, v.version
order by v.dataset, v.version desc
limit %(limit)s

-- name: list_holds
select h.hold_id, h.dataset, h.kind, h.partition_from as first, h.partition_to as last, h.opened_at, h.reason, h.run_id,
       h.released_at, h.released_by, h.release_reason
from hold h
where %(all)s or h.released_at is null
order by h.opened_at desc
limit %(limit)s

-- name: list_partition_versions
-- The versions of one partition, newest first. Each was official until the next one was completed.
select v.version, v.quality_status, v.publication, p.row_count, v.completed_at as official_from,
       lead(v.completed_at) over (order by v.version) as official_until, v.republished_from, v.run_id, v.caused_by,
       count(*) over () as versions
from version_partition p
join dataset_version v using (dataset, version)
where p.dataset = %(dataset)s and p.partition_key = %(partition)s and v.state = 'COMPLETED'
order by v.version desc
limit %(limit)s

-- name: version_of_partition
-- A partition as of a version or an instant: the newest completed version up to it that contains the partition.
select p.version, p.row_count, p.digest_high, p.digest_low, v.quality_status, v.publication, v.completed_at, v.run_id
from version_partition p
join dataset_version v using (dataset, version)
where p.dataset = %(dataset)s and p.partition_key = %(partition)s and v.state = 'COMPLETED'
  and (%(version)s::bigint is null or p.version <= %(version)s)
  and (%(known_at)s::timestamptz is null or v.completed_at <= %(known_at)s)
order by p.version desc
limit 1

-- name: files_of_partition
select file_path, record_count, file_bytes, hash_from, hash_to
from version_file
where dataset = %(dataset)s and version = %(version)s and partition_key = %(partition)s
order by hash_from, file_path

-- name: undescribed_datasets
-- Datasets with official figures that are not among the given ones.
select dataset, count(*) as partitions, max(partition_key) as last
from partition_state
where current_version is not null and not dataset = any(%(described)s)
group by dataset
order by dataset

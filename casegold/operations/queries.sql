-- name: causing_facts
-- Facts that began to count within a span and change a date of it. A held fact counts from its admission on.
with counted as (
    select s.source, s.event_id, s.event_type, s.case_id, s.occurred_at, coalesce(a.dirty_from, s.dirty_from) as dirty_from,
           s.recorded_at, coalesce(a.admitted_seq, s.ingest_seq) as counts_from, a.event_id is not null as held
    from silver_case_events as s
    left join admissions as a on a.source = s.source and a.event_id = s.event_id
    where a.event_id is null or a.admitted_seq is not null
)
select c.*, count(*) over () as facts
from counted as c
where exists (select 1 from spans as p
              where c.dirty_from <= p.last and c.counts_from > p.after_seq and c.counts_from <= p.until_seq)
order by c.counts_from, c.dirty_from, c.source, c.event_id
limit $limit

-- name: reconcile_ledger
select coalesce(max(seq), 0) as last_seq, coalesce(sum(records), 0)::bigint as records,
       coalesce(sum(accepted), 0)::bigint as accepted, coalesce(sum(conflicts + rejected), 0)::bigint as refused,
       exists (select from run_manifest m where m.dataset = %(dataset)s and m.state = 'OPEN') as busy
from ingest_commit
where dataset = %(dataset)s and kind = 'INGEST'

-- name: reconcile_versions
select version, state, run_id, snapshot_id from dataset_version where dataset = %(dataset)s

-- name: reconcile_current_files
select f.file_path, f.record_count
from partition_state s
join version_file f on f.dataset = s.dataset and f.version = s.current_version and f.partition_key = s.partition_key
where s.dataset = %(dataset)s

-- name: reconcile_new_files
select distinct f.file_path
from version_file f
join dataset_version v using (dataset, version)
where f.dataset = %(dataset)s and f.version > %(after)s and v.state = 'COMPLETED'

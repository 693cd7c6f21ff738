-- name: admission_dates
-- The date from which on a fact can change figures now: corrections of its case that came after it may have moved its
-- target to an earlier date. A date that is too early costs a comparison of digests.
select a.source, a.event_id, min(s.dirty_from) as dirty_from
from asked_facts as a
join silver_case_events as s on s.case_id = a.case_id and s.event_type = 'CaseCorrected'
where a.event_type = 'CaseCorrected' or (s.source = a.source and s.corrected_event_id = a.event_id)
group by a.source, a.event_id

-- name: admission_corrected
select distinct s.source, s.corrected_event_id
from asked_facts as a
join silver_case_events as s on s.source = a.source and s.event_id = a.event_id and s.event_type = 'CaseCorrected'

-- name: set_seq
set variable seq = $value

-- name: totals_chunk
select * from bronze_control_totals where totals_seq = getvariable('seq') order by kafka_partition, kafka_offset

-- name: watermarks
select kafka_partition, max(effective_date) as latest
from silver_case_events
where source = $source and topic_id = $topic_id
group by kafka_partition

-- name: rejected_chunk
select * from rejected_records where ingest_seq = getvariable('seq') order by kafka_partition, kafka_offset

-- name: recorded_keys
-- Scans one narrow column of all of silver; `recorded_events` then compares the full ids.
select distinct s.event_key
from silver_case_events as s
semi join batch as b on b.event_key = s.event_key
where s.ingest_seq < getvariable('seq')

-- name: recorded_events
select s.source, s.event_id, s.content_digest, s.effective_date, s.ingest_seq
from silver_case_events as s
semi join recorded_keys as k on k.event_key = s.event_key
where s.ingest_seq < getvariable('seq')

-- name: correction_targets
select s.source, s.event_id, s.effective_date, s.dirty_from, s.corrected_event_id, s.replacement_effective_date
from silver_case_events as s
join asked as a on a.event_key = s.event_key and a.source = s.source and a.event_id = s.event_id
where s.ingest_seq < getvariable('seq')

-- name: corrections_of
select s.source, s.corrected_event_id, s.replacement_effective_date
from silver_case_events as s
join asked as a on a.source = s.source and a.event_id = s.corrected_event_id
where s.event_type = 'CaseCorrected' and s.ingest_seq < getvariable('seq')

-- name: gate_waivers
select check_name, partition_from, partition_to from waiver
where waiver_id = any(%(waivers)s::bigint[]) and approved_by is not null

-- name: bronze_chunk
select * from bronze_case_events where ingest_seq = getvariable('seq') order by kafka_partition, kafka_offset

-- name: rebuild_table_counts
select ingest_seq, count(*) as row_count from table_to_count group by ingest_seq

-- name: rebuild_recorded_at
select ingest_seq, min(recorded_at) as recorded_at from table_to_count group by ingest_seq

-- name: rebuild_range
select * from ranged_rows
where ingest_seq between $first and $last
order by ingest_seq, kafka_partition, kafka_offset

-- name: rebuild_known
create or replace temp view silver_case_events as
select * from rebuilt_rows union all by name select * from pending_rows

-- name: rebuild_differences
select ingest_seq, count(*) as row_count
from ((select * from made_rows except all select * from found_rows)
      union all
      (select * from found_rows except all select * from made_rows))
group by ingest_seq
order by ingest_seq
limit 1

-- name: replay_facts
-- The facts whose earliest changed date is in the range, in the order in which they happened.
select source, event_id, event_type, case_id, occurred_at, emitted_at, sequence, schema_version, data
from admitted_facts
where dirty_from between getvariable('first') and getvariable('last')
order by occurred_at, case_id, sequence, source, event_id

-- name: previous_cases
select case_id from previous_rows order by case_id

-- name: silver_facts
-- All facts of the affected cases, read once because many steps use them.
create or replace temp table silver_facts as
select f.* from admitted_facts as f semi join affected_cases as a on a.case_id = f.case_id

-- name: corrected_openings
-- Cases whose opening is retracted or moved by an admitted correction: they may be missing for a good reason.
select distinct opening.case_id
from admitted_facts as correction
join admitted_facts as opening
    on opening.source = correction.source and opening.event_id = correction.corrected_event_id
where correction.event_type = 'CaseCorrected' and opening.event_type = 'CaseOpened'
order by 1

-- name: facts_excluded
select source, event_id
from fact_admission
where ingest_seq <= %(admitted_seq)s and (state <> 'ADMITTED' or admitted_seq > %(admitted_seq)s)

-- name: facts_open_conflicts
select source, event_id, case_id, event_type, effective_date, recorded_date, kafka_partition, kafka_offset
from event_conflict
where (state = 'OPEN' or settled_seq > %(admitted_seq)s) and ingest_seq <= %(admitted_seq)s
  and (effective_date between %(first)s and %(last)s or recorded_date between %(first)s and %(last)s)

-- name: facts_closes
-- The sequence number of silver at which each date closed, and that of the date before it.
select business_date, close_seq,
       coalesce((select max(before.close_seq) from day_close before where before.business_date < d.business_date), 0)
           as previous_close_seq
from day_close d
where business_date between %(first)s and %(last)s

-- name: facts_totals
select source, business_date, event_type, count, as_of, revision
from control_total
where totals_seq <= %(totals_seq)s and business_date between %(first)s and %(last)s

-- name: admitted_facts
-- What was known at the pinned sequence: a fact counts from its ingest sequence on, a held fact from its admission on.
create or replace temp view admitted_facts as
select s.*
from silver_case_events as s
left join excluded_facts as x on x.source = s.source and x.event_id = s.event_id
where s.ingest_seq <= getvariable('admitted_seq') and x.event_id is null

-- name: gate_views
-- The views that the gate's SQL reads, limited to the pins and to the judged dates.
create or replace temp view admitted as select * from admitted_facts;
create or replace temp view facts as
select s.source, s.event_id, s.event_type, s.effective_date, s.emitted_at, x.event_id is null as counts
from silver_case_events as s
left join excluded_facts as x on x.source = s.source and x.event_id = s.event_id
where s.ingest_seq <= getvariable('admitted_seq')
  and s.effective_date between getvariable('first') and getvariable('last');
create or replace temp view rejected as
select reason, detail, source, event_id, event_type, effective_date, emitted_at, ingest_seq, kafka_timestamp,
       kafka_partition, kafka_offset
from bronze_rejected_events
where ingest_seq <= getvariable('admitted_seq')
  and (effective_date is null or effective_date between getvariable('first') and getvariable('last'));
-- Not limited to dates: a record rejected under one date and accepted under another one is one event.
create or replace temp view accepted as
select s.source, s.event_id
from silver_case_events as s
semi join rejected as r on r.source = s.source and r.event_id = s.event_id
where s.ingest_seq <= getvariable('admitted_seq');
create or replace temp view judged as
select d.business_date, before.end_at as start_at, c.close_seq, c.previous_close_seq
from business_days as d
left join business_days as before on before.business_date = d.business_date - 1
left join day_closes as c on c.business_date = d.business_date
where d.business_date between getvariable('first') and getvariable('last')

-- name: staged_rows
select * from staged_rows

-- name: set_admitted_seq
set variable admitted_seq = $value

-- name: set_first
set variable first = cast($value as date)

-- name: set_last
set variable last = cast($value as date)

select source, event_id, event_type, case_id, dirty_from, ingest_seq, state, held_because, held_at, admitted_seq,
       decided_at, decided_by, reason, backfill_run_id, count(*) over () as total
from casegold.fact_admission
where (%(event_id)s::text is null or event_id = %(event_id)s) and (%(event_id)s::text is not null or state = 'HELD')
order by dirty_from, source, event_id
limit %(limit)s

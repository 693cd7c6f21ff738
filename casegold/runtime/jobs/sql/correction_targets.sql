select s.source, s.event_id, s.effective_date, s.dirty_from, s.corrected_event_id, s.replacement_effective_date
from silver_case_events as s
join asked as a on a.event_key = s.event_key and a.source = s.source and a.event_id = s.event_id
where s.ingest_seq < getvariable('seq')

select s.source, s.corrected_event_id, s.replacement_effective_date
from silver_case_events as s
join asked as a on a.source = s.source and a.event_id = s.corrected_event_id
where s.event_type = 'CaseCorrected' and s.ingest_seq < getvariable('seq')

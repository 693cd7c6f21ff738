select s.source, s.event_id, s.content_digest, s.effective_date, s.ingest_seq
from silver_case_events as s
semi join recorded_keys as k on k.event_key = s.event_key
where s.ingest_seq < getvariable('seq')

-- One narrow column of all of silver; what it finds is confirmed on the full id below.
select distinct s.event_key
from silver_case_events as s
semi join batch as b on b.event_key = s.event_key
where s.ingest_seq < getvariable('seq')

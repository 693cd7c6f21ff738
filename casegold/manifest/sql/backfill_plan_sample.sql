select source, event_id, event_type, case_id, dirty_from
from fact_admission
where state = 'HELD' and dirty_from between %(first)s and %(last)s and ingest_seq <= %(admitted_seq)s
order by dirty_from, source, event_id
limit %(limit)s

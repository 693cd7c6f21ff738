select source, event_id, dirty_from, ingest_seq
from silver_case_events
where event_id = $event_id and ($source is null or source = $source)
order by source

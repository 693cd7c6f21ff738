select source, event_id, case_id, event_type, effective_date, recorded_date, kafka_partition, kafka_offset
from event_conflict
where (state = 'OPEN' or settled_seq > %(admitted_seq)s) and ingest_seq <= %(admitted_seq)s
  and (effective_date between %(first)s and %(last)s or recorded_date between %(first)s and %(last)s)

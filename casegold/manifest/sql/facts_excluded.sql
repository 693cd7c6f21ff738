select source, event_id
from fact_admission
where ingest_seq <= %(admitted_seq)s and (state <> 'ADMITTED' or admitted_seq > %(admitted_seq)s)

-- Held facts that came, or began to count, within some sequence numbers.
select source, event_id, dirty_from, ingest_seq, admitted_seq
from fact_admission
where (ingest_seq > %(after_seq)s and ingest_seq <= %(until_seq)s)
   or (admitted_seq > %(after_seq)s and admitted_seq <= %(until_seq)s)

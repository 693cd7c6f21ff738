select seq, records, accepted, conflicts + rejected as refused
from ingest_commit
where dataset = 'silver/case_events' and kind = 'INGEST'
order by seq

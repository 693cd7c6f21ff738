update fact_admission f
set state = 'ADMITTED', admitted_seq = %(seq)s, backfill_run_id = %(backfill_run_id)s
from unnest(%(sources)s::text[], %(ids)s::text[]) as chosen (source, event_id)
where f.source = chosen.source and f.event_id = chosen.event_id

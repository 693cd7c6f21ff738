-- The backfill that a run is a part of, kept as it is to the end of the transaction.
select r.backfill_run_id, r.state
from run_manifest m
join backfill_request r on r.backfill_run_id = m.parameters ->> 'backfill_run_id'
where m.run_id = %(run_id)s
for share of r

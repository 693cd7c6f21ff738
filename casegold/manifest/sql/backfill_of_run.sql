-- The backfill that a run is a part of, kept as it is to the end of the transaction.
select r.backfill_run_id, r.state
from run_manifest m
cross join lateral backfill_hold(m.parameters ->> 'backfill_run_id', true) r
where m.run_id = %(run_id)s

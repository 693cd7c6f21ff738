select run_id, pipeline, dataset, partition_from as first, partition_to as last, state, outcome, attempt, attempt_state,
       version
from casegold.backfill_run
where backfill_run_id = %(id)s
order by requested_at, run_id

select partition_from as first, partition_to as last, mode, state, plan, plan_digest
from backfill_request
where backfill_run_id = %(id)s
for update

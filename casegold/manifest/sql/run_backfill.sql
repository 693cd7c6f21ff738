select backfill_run_id, state, mode, dataset, partition_from as first, partition_to as last, reason, requested_by,
       requested_person, requested_at, planned_by, planned_person, planned_at, plan_digest
from backfill_request
where backfill_run_id = %(backfill)s

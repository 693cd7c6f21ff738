select backfill_run_id, dataset, partition_from as first, partition_to as last, mode, state, reason, note, requested_by,
       requested_person, requested_at, expires_at, planned_by, planned_person, planned_at, plan, plan_digest, restated,
       missing_levels, approvals
from casegold.backfill_standing
where (%(beginning)s::text is null or starts_with(backfill_run_id, %(beginning)s))
  and (%(ended)s or state in ('REQUESTED', 'PLANNED', 'APPROVED', 'EXECUTING', 'PAUSED'))
order by requested_at desc
limit %(limit)s

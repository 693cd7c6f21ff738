select backfill_run_id as request, dataset, partition_from as first, partition_to as last, state, reason, requested_at,
       expires_at, count(*) over () as total
from backfill_request
where state in ('REQUESTED', 'PLANNED', 'APPROVED', 'PAUSED')
order by requested_at, backfill_run_id
limit %(limit)s

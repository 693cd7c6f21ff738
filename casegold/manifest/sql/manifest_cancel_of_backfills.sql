-- Work of backfills that ended otherwise than by it: closed, unless an attempt is under way, which finds out by itself.
with over as (
    update run_manifest m
    set state = 'CANCELLED', ended_at = clock_timestamp(),
        outcome = jsonb_build_object('error', 'its backfill is ' || r.state)
    from backfill_request r
    where r.backfill_run_id = m.parameters ->> 'backfill_run_id' and m.mode <> 'NORMAL' and m.state = 'OPEN'
      and r.state in ('CANCELLED', 'FAILED', 'COMPLETED')
      and not exists (select from run_attempt a where a.run_id = m.run_id and a.state = 'RUNNING')
    returning m.run_id
)
update run_attempt a
set state = 'CANCELLED', ended_at = clock_timestamp(), message = 'its backfill ended'
from over
where a.run_id = over.run_id and a.state = 'REQUESTED'

with idle as (
    update run_manifest
    set state = 'SUPERSEDED', ended_at = clock_timestamp(), outcome = jsonb_build_object('superseded_by', %(run_id)s::text)
    where dataset = %(dataset)s and mode = %(mode)s and state = 'OPEN' and run_id <> %(run_id)s
    returning run_id
)
update run_attempt a
set state = 'CANCELLED', ended_at = clock_timestamp(), message = 'superseded'
from idle
where a.run_id = idle.run_id and a.state = 'REQUESTED'

with idle as (
    update run_manifest
    set state = 'SUPERSEDED', ended_at = clock_timestamp(), outcome = jsonb_build_object('superseded_by', %(run_id)s::text)
    where dataset = %(dataset)s and state = 'OPEN' and run_id <> %(run_id)s
      and (pipeline = 'admission') = (%(pipeline)s = 'admission')
      and (mode = %(mode)s or mode in ('NORMAL', 'BACKFILL') and %(mode)s in ('NORMAL', 'BACKFILL'))
    returning run_id
)
update run_attempt a
set state = 'CANCELLED', ended_at = clock_timestamp(), message = 'superseded'
from idle
where a.run_id = idle.run_id and a.state = 'REQUESTED'

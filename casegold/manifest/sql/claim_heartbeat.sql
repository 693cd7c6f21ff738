with beat as (
    update dataset_claim set heartbeat_at = clock_timestamp()
    where dataset = %(dataset)s and token = %(token)s
    returning run_id, attempt
)
update run_attempt a set heartbeat_at = clock_timestamp()
from beat where a.run_id = beat.run_id and a.attempt = beat.attempt and a.state = 'RUNNING'

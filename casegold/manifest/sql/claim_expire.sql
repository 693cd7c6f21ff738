with dead as (
    delete from dataset_claim
    where dataset = %(dataset)s and heartbeat_at < clock_timestamp() - make_interval(secs => %(dead_after)s)
    returning run_id, attempt
)
update run_attempt a
set state = 'LOST', ended_at = clock_timestamp(), exit_class = 20, message = 'no sign of life; taken over'
from dead
where a.run_id = dead.run_id and a.attempt = dead.attempt and a.state = 'RUNNING'

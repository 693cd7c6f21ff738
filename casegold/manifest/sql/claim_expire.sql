-- The claims without a sign of life, of one dataset or of all; the attempts behind them are lost.
with dead as (
    delete from dataset_claim
    where (%(dataset)s::text is null or dataset = %(dataset)s)
      and heartbeat_at < clock_timestamp() - make_interval(secs => %(dead_after)s)
    returning run_id, attempt
)
update run_attempt a
set state = 'LOST', ended_at = clock_timestamp(), exit_class = 20, message = 'no sign of life'
from dead
where a.run_id = dead.run_id and a.attempt = dead.attempt and a.state = 'RUNNING'
returning a.run_id, a.attempt

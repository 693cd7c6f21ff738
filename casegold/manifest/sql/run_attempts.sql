select attempt, state, requested_by, requested_at, not_before, started_at, heartbeat_at, ended_at, exit_class, message,
       launcher_ref
from run_attempt
where run_id = %(run_id)s
order by attempt

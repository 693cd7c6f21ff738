select greatest(requested_at, started_at, heartbeat_at, ended_at) as at
from run_attempt
where run_id = %(run_id)s and attempt = %(attempt)s

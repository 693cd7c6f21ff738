update run_attempt
set state = 'RUNNING', started_at = clock_timestamp(), heartbeat_at = clock_timestamp(), launcher_ref = %(launcher_ref)s
where run_id = %(run_id)s and attempt = %(attempt)s

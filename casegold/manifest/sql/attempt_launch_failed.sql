update run_attempt
set state = 'LAUNCH_FAILED', ended_at = clock_timestamp(), message = %(message)s
where run_id = %(run_id)s and attempt = %(attempt)s and state = 'REQUESTED'

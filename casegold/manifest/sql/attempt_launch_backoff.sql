update run_attempt
set not_before = clock_timestamp() + make_interval(secs => %(seconds)s)
where run_id = %(run_id)s and attempt = %(attempt)s and state = 'LAUNCH_FAILED'

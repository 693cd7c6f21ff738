update run_attempt
set state = %(state)s, exit_class = %(exit_class)s, ended_at = clock_timestamp(), message = %(message)s,
    not_before = clock_timestamp() + make_interval(secs => %(retry_seconds)s)
where run_id = %(run_id)s and attempt = %(attempt)s and state = 'RUNNING'

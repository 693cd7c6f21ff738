update run_attempt
set state = %(state)s, exit_class = %(exit_class)s, ended_at = clock_timestamp(), message = %(message)s
where run_id = %(run_id)s and attempt = %(attempt)s and state = 'RUNNING'

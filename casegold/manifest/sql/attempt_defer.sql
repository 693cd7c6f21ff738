update run_attempt
set state = 'DEFERRED', ended_at = clock_timestamp(), exit_class = 0, message = %(message)s,
    not_before = clock_timestamp() + interval '5 seconds'
where run_id = %(run_id)s and attempt = %(attempt)s

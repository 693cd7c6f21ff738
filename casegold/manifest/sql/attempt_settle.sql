update run_attempt
set exit_class = coalesce(%(exit_class)s, exit_class),
    not_before = clock_timestamp() + make_interval(secs => %(pause)s)
where run_id = %(run_id)s and attempt = %(attempt)s

update run_attempt
set state = 'CANCELLED', ended_at = clock_timestamp(),
    message = 'cancelled by ' || %(person)s::text || ': ' || %(reason)s::text
where run_id = %(run_id)s and state in ('REQUESTED', 'RUNNING')

update run_manifest
set state = %(state)s, ended_at = clock_timestamp(), outcome = %(outcome)s
where run_id = %(run_id)s and state = 'OPEN'

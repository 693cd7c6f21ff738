select first_key, last_key, files, figures from staged_chunk where run_id = %(run_id)s

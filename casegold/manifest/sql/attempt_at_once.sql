-- A person who asks again does not wait for a backoff.
update run_attempt set not_before = clock_timestamp() where run_id = %(run_id)s and not_before > clock_timestamp()

update repair set snapshot_id = %(snapshot_id)s, mended_at = clock_timestamp()
where run_id = %(run_id)s and snapshot_id is null

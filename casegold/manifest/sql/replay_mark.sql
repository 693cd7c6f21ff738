update replay set sent = %(sent)s, updated_at = clock_timestamp() where backfill_run_id = %(id)s and sent = %(before)s

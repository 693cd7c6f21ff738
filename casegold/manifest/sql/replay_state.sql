select state from backfill_request where backfill_run_id = %(id)s

select uri, events, sent from replay where backfill_run_id = %(id)s

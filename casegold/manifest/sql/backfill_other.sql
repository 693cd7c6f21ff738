select backfill_run_id, state from backfill_request
where dataset = %(dataset)s and state in ('EXECUTING', 'PAUSED') and backfill_run_id <> %(id)s
limit 1

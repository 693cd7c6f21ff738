-- Two shadows share a table, two restatements their partitions; one of each kind keeps out of the other's way.
select backfill_run_id, state from backfill_request
where dataset = %(dataset)s and mode = %(mode)s and state in ('EXECUTING', 'PAUSED') and backfill_run_id <> %(id)s
limit 1

with expired as (
    update backfill_request set state = 'EXPIRED'
    where dataset = %(dataset)s and state in ('REQUESTED', 'PLANNED') and expires_at <= clock_timestamp()
    returning backfill_run_id
)
insert into backfill_audit (backfill_run_id, step) select backfill_run_id, 'EXPIRED' from expired

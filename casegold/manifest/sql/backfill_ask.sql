with request as (
    insert into backfill_request (backfill_run_id, dataset, partition_from, partition_to, mode, reason, expires_at)
    select 'bf_' || replace(gen_random_uuid()::text, '-', '_'), %(dataset)s, %(first)s, %(last)s, 'BACKFILL', %(reason)s,
           clock_timestamp() + interval '14 days'
    where not exists (select from backfill_request
                      where dataset = %(dataset)s and mode = 'BACKFILL'
                        and partition_from <= %(first)s and partition_to >= %(last)s
                        and state in ('REQUESTED', 'PLANNED', 'APPROVED', 'EXECUTING', 'PAUSED'))
    on conflict do nothing
    returning *
), audited as (
    insert into backfill_audit (backfill_run_id, step, detail)
    select backfill_run_id, 'REQUESTED', jsonb_build_object('reason', reason, 'restated', %(restated)s::bigint) from request
), announced as (
    insert into outbox (id, aggregatetype, aggregateid, type, payload)
    select gen_random_uuid(), 'backfill', backfill_run_id, 'BackfillRequested',
           jsonb_build_object('eventType', 'BackfillRequested', 'backfillRunId', backfill_run_id, 'datasetId', dataset,
                              'partitionFrom', partition_from, 'partitionTo', partition_to, 'mode', mode,
                              'reason', reason, 'requestedBy', requested_by, 'requestedAt', requested_at)
    from request
)
select backfill_run_id from request

select
    (select coalesce(sum(records), 0)::bigint from ingest_commit where dataset = 'silver/case_events') as records,
    (select count(*) from day_close) as closed,
    (select count(*) from partition_state where dataset = 'gold/case_daily_snapshot' and current_version is not null) as snapshots,
    (select count(*) from partition_state where dataset = 'reports/enforcement_report' and current_version is not null) as reports,
    (select count(distinct date_trunc('month', business_date)) from day_close
     where business_date = (date_trunc('month', business_date) + interval '1 month - 1 day')::date) as months,
    (select count(*) from outbox_delivery) as announced,
    (select count(*) from outbox o where not exists (select from outbox_delivery d where d.id = o.id)) as unannounced,
    (select count(*) from run_manifest where state in ('HELD', 'FAILED')) as failed,
    -- A run publishes first and then tells Dagster of each partition: until it has ended, the UI shows less.
    (select count(*) from dagster.runs where status not in ('SUCCESS', 'FAILURE', 'CANCELED')) as executing

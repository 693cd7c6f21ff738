select
    (select min(business_date) from day_close) as first,
    (select max(business_date) from day_close) as latest,
    (select coalesce(max(seq), 0) from ingest_commit where dataset = 'silver/case_events') as admitted_seq,
    (select coalesce(max(seq), 0) from ingest_commit where dataset = 'bronze/control_totals') as totals_seq

select
    (select max(ingest_seq) from ingest_dates where dirty_from <= %(last)s) as facts_until,
    (select max(totals_seq) from control_total where business_date between %(first)s and %(last)s) as totals_until,
    (select count(*) from event_conflict where state = 'OPEN'
        and (effective_date between %(first)s and %(last)s or recorded_date between %(first)s and %(last)s)) as open_conflicts,
    (select count(*) from fact_admission where dirty_from <= %(last)s) as facts_held,
    (select max(decided_at) from fact_admission where dirty_from <= %(last)s) as decided_at

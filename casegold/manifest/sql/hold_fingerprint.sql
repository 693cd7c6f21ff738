-- Cut to what a run had pinned or could see when it started; null asks for the present.
select
    (select max(ingest_seq) from ingest_dates
     where dirty_from <= %(last)s and ingest_seq <= coalesce(%(admitted_seq)s, ingest_seq)) as facts_until,
    (select max(totals_seq) from control_total
     where business_date between %(first)s and %(last)s and totals_seq <= coalesce(%(totals_seq)s, totals_seq)) as totals_until,
    -- Rejected records count for completeness; their dates are not known here, so any new one is a reason to look.
    (select max(seq) from ingest_commit
     where dataset = 'silver/case_events' and rejected > 0 and seq <= coalesce(%(admitted_seq)s, seq)) as rejected_until,
    (select count(*) from event_conflict
     where (effective_date between %(first)s and %(last)s or recorded_date between %(first)s and %(last)s)
       and ingest_seq <= coalesce(%(admitted_seq)s, ingest_seq)
       and (decided_at is null or decided_at > %(as_of)s::timestamptz)) as open_conflicts,
    (select count(*) from fact_admission
     where dirty_from <= %(last)s and ingest_seq <= coalesce(%(admitted_seq)s, ingest_seq)) as facts_held,
    (select max(decided_at) from fact_admission
     where dirty_from <= %(last)s and decided_at <= coalesce(%(as_of)s::timestamptz, decided_at)) as decided_at

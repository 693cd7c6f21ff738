insert into day_close (business_date, previous_date, barrier, signals, close_seq, totals_seq, closed_by, reason)
select %(day)s, case when exists (select from day_close) then %(day)s::date - 1 end, %(barrier)s, %(signals)s,
       (select coalesce(max(seq), 0) from ingest_commit where dataset = 'silver/case_events'),
       (select coalesce(max(seq), 0) from ingest_commit where dataset = 'bronze/control_totals'),
       session_user, %(reason)s

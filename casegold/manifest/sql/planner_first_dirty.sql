-- Three index probes a closed date, whatever the history: seen_seq never falls from one date to the next, so a fact
-- that changes date d and all after it is unseen on d exactly when it is unseen anywhere.
select min(d.business_date) as first_dirty
from day_close d
left join partition_state s on s.dataset = %(dataset)s and s.partition_key = d.business_date
where s.current_version is null
   or s.released
   or s.seen_seq < (select max(i.ingest_seq) from ingest_dates i where i.dirty_from = d.business_date)
   or (d.previous_date is null
       and s.seen_seq < (select max(i.ingest_seq) from ingest_dates i where i.dirty_from < d.business_date))
   or s.seen_totals_seq < (select max(t.totals_seq) from control_total t where t.business_date = d.business_date)

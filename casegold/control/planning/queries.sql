-- name: planner_busy
-- Datasets with a running or requested attempt: its pins are older, not wrong; newer input is planned after it.
-- Maintenance, rebuilds and repairs that have not started give way: their requester may have died before starting them.
select distinct m.dataset
from run_manifest m
join run_attempt a using (run_id)
where m.state = 'OPEN' and m.mode in ('NORMAL', 'BACKFILL') and a.state in ('REQUESTED', 'RUNNING')
  and not (m.pipeline in ('maintenance', 'rebuild', 'repair') and a.state = 'REQUESTED')
union
-- An open republish has precedence over computation, also between two attempts.
select dataset from run_manifest where state = 'OPEN' and pipeline = 'republish'

-- name: planner_first_dirty
-- Three index probes for each closed date, however long the history: seen_seq never falls from one date to the next, so
-- a fact that changes date d and all later ones is unseen on d exactly if it is unseen on any date.
select min(d.business_date) as first_dirty
from day_close d
left join partition_state s on s.dataset = %(dataset)s and s.partition_key = d.business_date
where s.current_version is null
   or s.released
   or s.seen_seq < (select max(i.ingest_seq) from ingest_dates i where i.dirty_from = d.business_date)
   or (d.previous_date is null
       and s.seen_seq < (select max(i.ingest_seq) from ingest_dates i where i.dirty_from < d.business_date))
   or s.seen_totals_seq < (select max(t.totals_seq) from control_total t where t.business_date = d.business_date)

-- name: planner_admitted_unseen
-- Whether a date has not seen facts that a backfill admitted: restating them needs a backfill, not the planner.
select 1
from ingest_dates i
join ingest_commit c on c.dataset = i.dataset and c.seq = i.ingest_seq and c.kind = 'ADMISSION'
where i.ingest_seq > (select min(s.seen_seq) from partition_state s
                      where s.dataset = %(dataset)s and s.current_version is not null
                        and s.partition_key >= i.dirty_from)
limit 1

-- name: planner_range_counts
select count(*) as restated
from partition_state
where dataset = %(dataset)s and partition_key between %(first)s and %(last)s and current_version is not null

-- name: planner_published_from
select 1 from partition_state
where dataset = %(dataset)s and partition_key >= %(first)s and current_version is not null
limit 1

-- name: planner_dirty_facts
select coalesce(sum(i.facts), 0)::bigint as facts
from ingest_dates i
where i.dirty_from >= %(first)s
  and i.ingest_seq > (select s.seen_seq from partition_state s
                      where s.dataset = %(dataset)s and s.partition_key = greatest(i.dirty_from, %(first)s))

-- Held facts of a plan, locked in the order that everybody locks them in: nobody decides otherwise on them meanwhile.
select f.event_id
from fact_admission f
join backfill_request r on r.backfill_run_id = %(backfill_run_id)s
where f.state = 'HELD' and f.dirty_from between r.partition_from and r.partition_to
  and f.ingest_seq <= (r.plan #>> '{pins,admitted_seq}')::bigint
order by f.source, f.event_id
for update of f

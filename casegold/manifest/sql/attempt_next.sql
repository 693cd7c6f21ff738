-- A backfill that is paused or over gets no further attempt: nothing of it holds a place in a queue.
insert into run_attempt (run_id, attempt, requested_by)
select m.run_id, coalesce(max(a.attempt), 0) + 1, %(requested_by)s
from run_manifest m
left join run_attempt a on a.run_id = m.run_id
where m.run_id = %(run_id)s and m.state = 'OPEN'
  and not exists (select from backfill_request r
                  where r.backfill_run_id = m.parameters ->> 'backfill_run_id' and r.state <> 'EXECUTING')
group by m.run_id
having count(*) filter (where a.state in ('REQUESTED', 'RUNNING')) = 0
   and coalesce(max(a.not_before), '-infinity') <= clock_timestamp()
on conflict do nothing
returning attempt

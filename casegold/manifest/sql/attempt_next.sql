insert into run_attempt (run_id, attempt, requested_by)
select m.run_id, coalesce(max(a.attempt), 0) + 1, %(requested_by)s
from run_manifest m
left join run_attempt a on a.run_id = m.run_id
where m.run_id = %(run_id)s and m.state = 'OPEN'
group by m.run_id
having count(*) filter (where a.state in ('REQUESTED', 'RUNNING')) = 0
   and coalesce(max(a.not_before), '-infinity') <= clock_timestamp()
on conflict do nothing
returning attempt

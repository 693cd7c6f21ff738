select m.*, a.attempt
from run_attempt a
join run_manifest m using (run_id)
where a.state = 'REQUESTED' and m.state = 'OPEN'
order by a.requested_at, a.run_id

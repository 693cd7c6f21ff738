-- An attempt waits for a launcher for seconds, and works with a sign of life every few; ten minutes is neither.
select m.dataset, a.run_id, a.attempt, a.state, s.last_sign_at,
       extract(epoch from clock_timestamp() - s.last_sign_at)::bigint as seconds_without, count(*) over () as total
from run_attempt a
join run_manifest m using (run_id)
cross join lateral (select greatest(a.requested_at, a.started_at, a.heartbeat_at) as last_sign_at) s
where a.state in ('REQUESTED', 'RUNNING') and m.state = 'OPEN'
  and s.last_sign_at < clock_timestamp() - interval '10 minutes'
order by s.last_sign_at
limit %(limit)s

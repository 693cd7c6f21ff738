select m.run_id, m.dataset, m.pipeline, m.mode, m.state, m.partition_from as first, m.partition_to as last,
       m.requested_by, m.requested_at, m.ended_at, m.caused_by, a.attempt, a.state as attempt_state, a.exit_class,
       a.message, extract(epoch from a.ended_at - a.started_at)::float8 as seconds
from run_manifest m
left join lateral (select * from run_attempt r where r.run_id = m.run_id order by attempt desc limit 1) a on true
where (%(dataset)s::text is null or m.dataset = %(dataset)s)
  and (%(state)s::text is null or m.state = %(state)s)
  and (%(since)s::timestamptz is null or m.requested_at >= %(since)s)
order by m.requested_at desc, m.run_id
limit %(limit)s

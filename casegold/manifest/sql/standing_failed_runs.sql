-- A run that somebody or something else made good since is history, not an open item.
select m.run_id, m.dataset, m.partition_from as first, m.partition_to as last, m.ended_at,
       coalesce(m.outcome ->> 'error', m.outcome::text) as error, count(*) over () as total
from run_manifest m
where m.state = 'FAILED'
  and not exists (
      select from run_manifest later
      where later.dataset = m.dataset and later.mode = m.mode and later.state = 'SUCCEEDED'
        and later.ended_at > m.ended_at)
order by m.ended_at desc
limit %(limit)s

-- Versions that nobody is deciding: their dataset is claimed by no living run.
select v.dataset, v.version, v.state, v.run_id as run, v.prepared_at, count(*) over () as total
from dataset_version v
where v.state in ('PREPARED', 'ABANDONING')
  and not exists (
      select from dataset_claim c
      where c.dataset = v.dataset and c.heartbeat_at > clock_timestamp() - make_interval(secs => %(dead_after)s)
  )
order by v.dataset
limit %(limit)s

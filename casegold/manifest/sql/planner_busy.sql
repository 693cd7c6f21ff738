-- Datasets with a run that is under way or on its way: its pins are older, not wrong; what came since is planned next.
-- Upkeep that has not started gives way: whoever asked for it may have died before starting it.
select distinct m.dataset
from run_manifest m
join run_attempt a using (run_id)
where m.state = 'OPEN' and m.mode in ('NORMAL', 'BACKFILL') and a.state in ('REQUESTED', 'RUNNING')
  and not (m.pipeline in ('maintenance', 'rebuild', 'repair') and a.state = 'REQUESTED')
union
-- What a person asked to be official again goes before what the planner would compute, also between two attempts.
select dataset from run_manifest where state = 'OPEN' and pipeline = 'republish'

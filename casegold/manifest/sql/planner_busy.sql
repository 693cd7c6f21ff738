-- Datasets with a run that is under way or on its way: its pins are older, not wrong; what came since is planned next.
select distinct m.dataset
from run_manifest m
join run_attempt a using (run_id)
where m.state = 'OPEN' and m.mode = 'NORMAL' and a.state in ('REQUESTED', 'RUNNING')

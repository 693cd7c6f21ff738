select m.run_id
from run_manifest m
join run_attempt a on a.run_id = m.run_id and a.state = 'RUNNING'
where m.dataset = %(dataset)s and m.mode = %(mode)s and m.state = 'OPEN' and m.run_id <> %(run_id)s

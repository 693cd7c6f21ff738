select a.state, a.token, m.dataset, m.state as manifest_state
from run_attempt a
join run_manifest m using (run_id)
where a.run_id = %(run_id)s and a.attempt = %(attempt)s
for update of a

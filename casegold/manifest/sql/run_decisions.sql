select decision, after_attempt, person, reason, decided_at
from run_decision
where run_id = %(run_id)s
order by decision_id

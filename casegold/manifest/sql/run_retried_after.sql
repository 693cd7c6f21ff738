select 1 from run_decision
where run_id = %(run_id)s and decision = 'RETRY' and after_attempt >= %(attempt)s

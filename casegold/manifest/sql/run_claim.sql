-- Without the token, which is the proof of the claim.
select attempt, claimed_at, heartbeat_at from dataset_claim where run_id = %(run_id)s

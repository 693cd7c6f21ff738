with freed as (
    delete from dataset_claim where run_id = %(run_id)s and attempt = %(attempt)s
)
update run_attempt
set state = 'LOST', ended_at = clock_timestamp(), exit_class = 20, message = %(message)s
where run_id = %(run_id)s and attempt = %(attempt)s and state = 'RUNNING'

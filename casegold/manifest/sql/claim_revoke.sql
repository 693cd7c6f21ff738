delete from dataset_claim where run_id = %(run_id)s

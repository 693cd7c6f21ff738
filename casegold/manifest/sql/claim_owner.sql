select run_id from dataset_claim where dataset = %(dataset)s

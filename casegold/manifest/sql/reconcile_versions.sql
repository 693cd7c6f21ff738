select version, state, run_id, snapshot_id from dataset_version where dataset = %(dataset)s

select version, snapshot_id from dataset_version where dataset = %(dataset)s and state = 'COMPLETED'

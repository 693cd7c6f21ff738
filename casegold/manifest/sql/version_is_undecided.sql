select version from dataset_version where dataset = %(dataset)s and state in ('PREPARED', 'ABANDONING')

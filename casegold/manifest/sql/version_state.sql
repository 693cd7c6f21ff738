select state, token from dataset_version where dataset = %(dataset)s and version = %(version)s

select coalesce(max(version), 0) + 1 as number from dataset_version where dataset = %(dataset)s

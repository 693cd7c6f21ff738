select dataset, partition_key, version from version_partition where dataset = %(dataset)s and version = %(version)s

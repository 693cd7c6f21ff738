select partition_key from version_partition where dataset = %(dataset)s and version = %(version)s order by partition_key

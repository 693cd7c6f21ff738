select current_version from partition_state
where dataset = %(dataset)s and partition_key = %(partition)s and current_version is not null

select 1 from partition_state
where dataset = %(dataset)s and partition_key >= %(first)s and current_version is not null
limit 1

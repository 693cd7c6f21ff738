select partition_key, key, before, after from changed_rows order by partition_key, key limit $limit

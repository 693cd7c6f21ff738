insert into version_partition (dataset, version, partition_key, row_count, digest_high, digest_low, previous_version)
select %(dataset)s, %(version)s, %(key)s, %(rows)s, %(digest_high)s, %(digest_low)s,
       (select current_version from partition_state where dataset = %(dataset)s and partition_key = %(key)s)

select partition_key, current_version, row_count, digest_high, digest_low
from partition_state
where dataset = %(dataset)s and partition_key between %(first)s and %(last)s and current_version is not null
order by partition_key

select partition_key, row_count, digest_high, digest_low
from version_partition
where dataset = %(dataset)s and version = %(version)s
order by partition_key

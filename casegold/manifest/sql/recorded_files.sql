select partition_key, file_path, record_count, file_bytes, digest_high, digest_low, hash_from, hash_to
from version_file
where dataset = %(dataset)s and version = %(version)s and partition_key = any(%(partitions)s::date[])
order by partition_key, hash_from, file_path

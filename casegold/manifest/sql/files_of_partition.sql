select file_path, record_count, file_bytes, hash_from, hash_to
from version_file
where dataset = %(dataset)s and version = %(version)s and partition_key = %(partition)s
order by hash_from, file_path

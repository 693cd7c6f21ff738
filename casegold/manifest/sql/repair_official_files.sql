select f.partition_key, f.file_path, f.record_count, f.file_bytes, f.digest_high, f.digest_low, f.hash_from, f.hash_to
from partition_state s
join version_file f on f.dataset = s.dataset and f.version = s.current_version and f.partition_key = s.partition_key
where s.dataset = %(dataset)s
order by f.partition_key, f.hash_from

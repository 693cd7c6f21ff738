select f.file_path, f.record_count
from partition_state s
join version_file f on f.dataset = s.dataset and f.version = s.current_version and f.partition_key = s.partition_key
where s.dataset = %(dataset)s

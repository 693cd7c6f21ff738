select partition_key, file_path, action, record_count, wrong_snapshot, wrong_since, snapshot_id
from repair where run_id = %(run_id)s
order by partition_key, action, file_path

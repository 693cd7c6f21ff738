-- What the partitions have seen stays as it was: it never falls, and the pin keeps the planner away.
update partition_state s
set current_version = p.version, row_count = p.row_count, digest_high = p.digest_high, digest_low = p.digest_low,
    pinned = true, released = false, last_run_id = v.run_id, updated_at = clock_timestamp()
from version_partition p
join dataset_version v using (dataset, version)
where p.dataset = %(dataset)s and p.version = %(version)s
  and s.dataset = p.dataset and s.partition_key = p.partition_key

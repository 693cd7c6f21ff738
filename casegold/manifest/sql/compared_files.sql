select file_path
from version_file f
join unnest(%(versions)s::bigint[], %(partitions)s::date[]) as wanted (version, partition_key) using (version, partition_key)
where f.dataset = %(dataset)s

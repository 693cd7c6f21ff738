select f.file_path
from unnest(%(datasets)s::text[], %(partitions)s::date[], %(versions)s::bigint[]) as wanted (dataset, partition_key, version)
join version_file f using (dataset, partition_key, version)
order by f.partition_key, f.hash_from

select p.dataset, p.partition_key, p.version, v.quality_status
from unnest(%(datasets)s::text[], %(partitions)s::date[], %(versions)s::bigint[]) as wanted (dataset, partition_key, version)
join version_partition p using (dataset, partition_key, version)
join dataset_version v using (dataset, version)
where v.state = 'COMPLETED'

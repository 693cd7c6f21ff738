select p.dataset, p.partition_key, p.version
from dataset_version v
join version_partition p using (dataset, version)
where v.state = 'COMPLETED' and v.transform_version = %(transform_version)s and v.dataset = any(%(datasets)s)

select v.caused_by, v.republished_from, v.supersedes, count(p.previous_version) as restated, count(*) as partitions
from dataset_version v
join version_partition p using (dataset, version)
where v.dataset = %(dataset)s and v.version = %(version)s and v.state = 'COMPLETED'
  and (%(partition)s::date is null or p.partition_key = %(partition)s)
group by v.dataset, v.version

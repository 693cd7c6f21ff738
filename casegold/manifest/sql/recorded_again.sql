-- The version in which all these partitions are official and pinned, if it is one version made from the wanted one.
select min(s.current_version) as version
from partition_state s
join dataset_version v on v.dataset = s.dataset and v.version = s.current_version
where s.dataset = %(dataset)s and s.partition_key = any(%(partitions)s::date[])
  and s.pinned and v.republished_from = %(version)s
having count(*) = cardinality(%(partitions)s::date[]) and min(s.current_version) = max(s.current_version)

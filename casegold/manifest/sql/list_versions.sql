select v.dataset, v.version, v.state, v.quality_status, v.publication, v.mode, count(p.partition_key) as partitions,
       min(p.partition_key) as first, max(p.partition_key) as last, coalesce(sum(p.row_count), 0)::bigint as rows,
       v.completed_at, v.republished_from, v.run_id, v.caused_by
from dataset_version v
left join version_partition p using (dataset, version)
where %(dataset)s::text is null or v.dataset = %(dataset)s
group by v.dataset, v.version
order by v.dataset, v.version desc
limit %(limit)s

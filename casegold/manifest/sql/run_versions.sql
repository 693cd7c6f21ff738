-- The versions that a run made, with what announced each.
select v.dataset, v.version, v.attempt, v.state, v.mode, v.quality_status, v.publication, v.transform_version,
       v.contract_version, v.supersedes, v.republished_from, v.caused_by, v.tolerated, v.base_snapshot_id,
       v.staged_snapshot_id, v.snapshot_id, v.staged_branch, v.prepared_at, v.completed_at, v.reason,
       p.partitions, p.first, p.last, p.rows
from dataset_version v
cross join lateral (
    select count(*) as partitions, min(partition_key) as first, max(partition_key) as last,
           coalesce(sum(row_count), 0)::bigint as rows
    from version_partition where dataset = v.dataset and version = v.version) p
where v.run_id = %(run_id)s
order by v.dataset, v.version

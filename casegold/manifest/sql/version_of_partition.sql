-- The content of a partition as of a version, or an instant: the newest completed version up to it that has the partition.
select p.version, p.row_count, p.digest_high, p.digest_low, v.quality_status, v.publication, v.completed_at, v.run_id
from version_partition p
join dataset_version v using (dataset, version)
where p.dataset = %(dataset)s and p.partition_key = %(partition)s and v.state = 'COMPLETED'
  and (%(version)s::bigint is null or p.version <= %(version)s)
  and (%(known_at)s::timestamptz is null or v.completed_at <= %(known_at)s)
order by p.version desc
limit 1

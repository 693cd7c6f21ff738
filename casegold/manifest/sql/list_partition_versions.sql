-- The versions of one partition, newest first: each was official until the next one was completed.
select v.version, v.quality_status, v.publication, p.row_count, v.completed_at as official_from,
       lead(v.completed_at) over (order by v.version) as official_until, v.republished_from, v.run_id, v.caused_by,
       count(*) over () as versions
from version_partition p
join dataset_version v using (dataset, version)
where p.dataset = %(dataset)s and p.partition_key = %(partition)s and v.state = 'COMPLETED'
order by v.version desc
limit %(limit)s

-- A republished version was judged in the run of the version it repeats.
select p.dataset, p.partition_key, p.version, v.quality_status,
       (select coalesce(array_agg(format('%%s: %%s, %%s', q.check_name, q.failures, q.detail) order by q.check_name), '{}')
        from quality_result q
        where q.run_id = coalesce(judged.run_id, v.run_id) and q.attempt = coalesce(judged.attempt, v.attempt)
          and q.partition_key = p.partition_key and q.status = 'TOLERATED') as tolerated
from unnest(%(datasets)s::text[], %(partitions)s::date[], %(versions)s::bigint[]) as wanted (dataset, partition_key, version)
join version_partition p using (dataset, partition_key, version)
join dataset_version v using (dataset, version)
left join dataset_version judged on judged.dataset = v.dataset and judged.version = v.republished_from
where v.state = 'COMPLETED'

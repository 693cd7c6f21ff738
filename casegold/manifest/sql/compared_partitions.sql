-- Partitions whose content as of one version is not that of another: only what was published between them can differ.
with touched as (
    select distinct p.partition_key
    from version_partition p
    join dataset_version v using (dataset, version)
    where p.dataset = %(dataset)s and v.state = 'COMPLETED'
      and p.version > least(%(before)s::bigint, %(after)s::bigint)
      and p.version <= greatest(%(before)s::bigint, %(after)s::bigint)
      and (%(partition)s::date is null or p.partition_key = %(partition)s)
)
select t.partition_key, b.version as before, a.version as after, coalesce(b.row_count, 0) as rows_before,
       coalesce(a.row_count, 0) as rows_after
from touched t
left join lateral (
    select p.version, p.row_count, p.digest_high, p.digest_low
    from version_partition p
    join dataset_version v using (dataset, version)
    where p.dataset = %(dataset)s and p.partition_key = t.partition_key and v.state = 'COMPLETED' and p.version <= %(before)s
    order by p.version desc
    limit 1
) b on true
left join lateral (
    select p.version, p.row_count, p.digest_high, p.digest_low
    from version_partition p
    join dataset_version v using (dataset, version)
    where p.dataset = %(dataset)s and p.partition_key = t.partition_key and v.state = 'COMPLETED' and p.version <= %(after)s
    order by p.version desc
    limit 1
) a on true
where (b.version is null) <> (a.version is null)
   or (b.row_count, b.digest_high, b.digest_low) is distinct from (a.row_count, a.digest_high, a.digest_low)
order by t.partition_key

-- Official partitions with both records of their figures, and the run that computed them: of a version made official
-- again, the run of the version that it repeats.
with recursive made as (
    select s.partition_key, v.version, v.republished_from
    from partition_state s
    join dataset_version v on v.dataset = s.dataset and v.version = s.current_version
    where s.dataset = %(dataset)s and s.partition_key between %(first)s and %(last)s
    union all
    select m.partition_key, v.version, v.republished_from
    from made m
    join dataset_version v on v.dataset = %(dataset)s and v.version = m.republished_from
)
select s.partition_key, s.current_version as version, s.row_count, s.digest_high, s.digest_low,
       p.row_count as version_rows, p.digest_high as version_high, p.digest_low as version_low,
       v.run_id, v.transform_version
from made m
join partition_state s on s.dataset = %(dataset)s and s.partition_key = m.partition_key
join version_partition p
    on p.dataset = s.dataset and p.version = s.current_version and p.partition_key = s.partition_key
join dataset_version v on v.dataset = s.dataset and v.version = m.version
where m.republished_from is null
order by s.partition_key

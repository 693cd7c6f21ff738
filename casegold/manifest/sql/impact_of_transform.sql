-- What was published with a version of a transform, and what was made from that. Whole versions are affected first, so
-- what `made_with` would lead to from each of their partitions is found in one go; from there on as in `impact`.
with recursive seeded as materialized (
    select dataset, version from dataset_version
    where state = 'COMPLETED' and transform_version = %(transform_version)s and dataset = any(%(datasets)s)
), beyond as materialized (
    select i.dataset, i.partition_key, i.version
    from version_input i
    join seeded s on s.dataset = i.input_dataset and s.version = i.input_version
    where not exists (select from seeded o where o.dataset = i.dataset and o.version = i.version)
    union
    select p.dataset, p.partition_key, p.version
    from run_manifest m
    join seeded s on s.dataset = m.dataset and s.version = (m.scope ->> 'previous_version')::bigint
    join dataset_version v on v.run_id = m.run_id and v.dataset = m.dataset
    join version_partition p on p.dataset = v.dataset and p.version = v.version
    where not exists (select from seeded o where o.dataset = v.dataset and o.version = v.version)
), hit (dataset, partition_key, version) as (
    select dataset, partition_key, version from beyond
    union
    select edge.dataset, edge.partition_key, edge.version
    from hit
    cross join lateral made_with(hit.dataset, hit.partition_key, hit.version) edge
), affected as (
    select p.dataset, p.partition_key, p.version from version_partition p join seeded using (dataset, version)
    union all
    select dataset, partition_key, version from hit
    where not exists (select from seeded o where o.dataset = hit.dataset and o.version = hit.version)
), counted as (
    select a.dataset, a.version, count(*) as partitions, min(a.partition_key) as first, max(a.partition_key) as last,
           count(*) filter (where s.current_version = a.version) as current,
           min(a.partition_key) filter (where s.current_version = a.version) as current_first,
           max(a.partition_key) filter (where s.current_version = a.version) as current_last
    from affected a
    left join partition_state s on s.dataset = a.dataset and s.partition_key = a.partition_key
    group by a.dataset, a.version
)
select counted.*, v.transform_version, v.completed_at
from counted
join dataset_version v using (dataset, version)
where v.state = 'COMPLETED'
order by dataset, version

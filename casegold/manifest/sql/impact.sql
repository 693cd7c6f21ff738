-- What was made with or from some published partitions, step by step.
with recursive hit (dataset, partition_key, version) as (
    select dataset, partition_key, version
    from unnest(%(datasets)s::text[], %(partitions)s::date[], %(versions)s::bigint[]) as seed (dataset, partition_key, version)
    union
    select edge.dataset, edge.partition_key, edge.version
    from hit
    cross join lateral made_with(hit.dataset, hit.partition_key, hit.version) edge
)
select hit.dataset, hit.version, count(*) as partitions, min(hit.partition_key) as first, max(hit.partition_key) as last,
       count(*) filter (where s.current_version = hit.version) as current,
       min(hit.partition_key) filter (where s.current_version = hit.version) as current_first,
       max(hit.partition_key) filter (where s.current_version = hit.version) as current_last,
       v.transform_version, v.completed_at
from hit
join dataset_version v on v.dataset = hit.dataset and v.version = hit.version and v.state = 'COMPLETED'
left join partition_state s on s.dataset = hit.dataset and s.partition_key = hit.partition_key
group by hit.dataset, hit.version, v.transform_version, v.completed_at
order by hit.dataset, hit.version

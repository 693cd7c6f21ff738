-- Restated partitions made from partitions: the inputs that they have in another version than before.
with old as (
    select i.input_dataset, i.input_partition, i.input_version
    from version_partition p
    join version_input i on i.dataset = p.dataset and i.version = p.previous_version and i.partition_key = p.partition_key
    where p.dataset = %(dataset)s and p.version = %(version)s
      and (%(partition)s::date is null or p.partition_key = %(partition)s)
), new as (
    select i.input_dataset, i.input_partition, i.input_version
    from version_partition p
    join version_input i using (dataset, version, partition_key)
    where p.dataset = %(dataset)s and p.version = %(version)s and p.previous_version is not null
      and (%(partition)s::date is null or p.partition_key = %(partition)s)
)
select input_dataset, old.input_version as before, new.input_version as after, min(input_partition) as first,
       max(input_partition) as last, count(*) as partitions
from (select distinct * from old) as old
full join (select distinct * from new) as new using (input_dataset, input_partition)
where old.input_version is distinct from new.input_version
  and input_dataset not in ('silver/case_events', 'bronze/control_totals')
group by input_dataset, old.input_version, new.input_version
order by input_dataset, first, before, after

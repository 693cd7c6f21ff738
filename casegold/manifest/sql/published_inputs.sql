-- Islands of consecutive input partitions of one version: 31 days of one version are one row.
with numbered as (
    select input_dataset, input_partition, input_version,
           input_partition - (row_number() over (
               partition by input_dataset, input_version order by input_partition))::integer as island
    from version_input
    where dataset = %(dataset)s and version = %(version)s and partition_key = %(key)s
)
select input_dataset, input_version, min(input_partition) as first, max(input_partition) as last
from numbered
group by input_dataset, input_version, island
order by input_dataset, first

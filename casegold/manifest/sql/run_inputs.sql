-- Of which versions of which partitions a run's versions were made; neighbours of one version are one row. For
-- silver/case_events and bronze/control_totals the version is the pinned sequence number.
with used as (
    select distinct i.input_dataset, i.input_partition, i.input_version
    from version_input i
    join dataset_version v using (dataset, version)
    where v.run_id = %(run_id)s
), numbered as (
    select *, rank() over (partition by input_dataset order by input_partition)
            - row_number() over (partition by input_dataset, input_version order by input_partition) as island
    from used
)
select input_dataset as dataset, input_version as version, min(input_partition) as first, max(input_partition) as last,
       count(*) as partitions
from numbered
group by input_dataset, input_version, island
order by input_dataset, first, input_version

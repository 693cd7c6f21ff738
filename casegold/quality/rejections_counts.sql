-- Per date: open rejections that close its gate, open rejections that are only shown, and a digest of the first.
--   open_rejections, judged: see rejections.sql
with open_ones as (
    select
        business_date,
        count(*) filter (where closes) as failures,
        count(*) filter (where not closes) as shown,
        sha256(string_agg(
            concat_ws(':', kafka_partition, kafka_offset, reason), ',' order by kafka_partition, kafka_offset
        ) filter (where closes)) as reads
    from open_rejections
    group by business_date
)
select
    j.business_date,
    cast(coalesce(o.failures, 0) as bigint) as failures,
    cast(coalesce(o.shown, 0) as bigint) as shown,
    coalesce(o.reads, '') as reads
from judged as j
left join open_ones as o on o.business_date = j.business_date
order by j.business_date

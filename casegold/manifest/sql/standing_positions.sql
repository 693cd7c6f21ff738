-- What ingests have read against what their commits account for: the ranges of a partition meet without a gap, and end
-- where its position is.
with accounted as (
    select dataset, topic, epoch, kafka_partition, min(start_offset) as first, max(end_offset) as last,
           sum(end_offset - start_offset) as offsets
    from ingest_source_range
    group by dataset, topic, epoch, kafka_partition
)
select p.consumer as dataset, p.topic, p.epoch, p.kafka_partition as partition, p.position, a.last as "accounted to",
       a.last - a.first - a.offsets as "offsets between ranges", count(*) over () as total
from source_position p
join accounted a on a.dataset = p.consumer and a.topic = p.topic and a.epoch = p.epoch
    and a.kafka_partition = p.kafka_partition
where a.last <> p.position or a.offsets <> a.last - a.first
order by p.consumer, p.topic, p.epoch, p.kafka_partition
limit %(limit)s

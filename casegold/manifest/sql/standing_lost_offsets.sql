select topic, epoch, kafka_partition as partition, start_offset, end_offset, lost, sum(lost) over () as total
from ingest_source_range
where lost > 0
order by topic, epoch, kafka_partition, start_offset
limit %(limit)s

-- Consumers that have read further than the log now reaches.
select p.consumer, p.kafka_partition, p.position
from source_position p
left join unnest(%(partitions)s::integer[], %(ends)s::bigint[]) as e (kafka_partition, log_end) using (kafka_partition)
where p.topic = %(topic)s and p.epoch = %(epoch)s and p.position > coalesce(e.log_end, 0)
limit 1

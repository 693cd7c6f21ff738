-- Announcements recorded as delivered that the consumer of their topic, which is past their offset, has not met.
select d.id::text as event, d.topic, d.kafka_partition as partition, d.kafka_offset as offset, d.delivered_at,
       count(*) over () as total
from outbox_delivery d
join source_position p on p.consumer = 'publish_events' and p.topic = d.topic and p.kafka_partition = d.kafka_partition
where d.delivered_at > clock_timestamp() - interval '7 days'
  and d.kafka_offset < p.position
  and p.epoch = (select max(epoch) from source_epoch e where e.topic = d.topic)
  and not exists (select from trigger_ledger t where t.source = %(source)s and t.event_id = d.id::text)
order by d.topic, d.kafka_partition, d.kafka_offset
limit %(limit)s

select o.id::text as event_id, o.type as event_type, o.created_at, d.topic, d.kafka_partition, d.kafka_offset,
       d.delivered_at
from outbox o
left join outbox_delivery d using (id)
where o.aggregatetype = 'dataset' and o.payload ->> 'runId' = %(run_id)s
order by o.position

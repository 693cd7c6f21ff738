insert into outbox_delivery (id, topic, kafka_partition, kafka_offset)
values (%(id)s, %(topic)s, %(partition)s, %(offset)s)
on conflict (id) do nothing

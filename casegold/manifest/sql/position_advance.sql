insert into source_position (consumer, topic, epoch, kafka_partition, position)
values (%(consumer)s, %(topic)s, %(epoch)s, %(partition)s, %(position)s)
on conflict (consumer, topic, epoch, kafka_partition)
do update set position = greatest(source_position.position, excluded.position), updated_at = clock_timestamp()

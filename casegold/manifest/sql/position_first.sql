insert into source_position (consumer, topic, epoch, kafka_partition, position)
values (%(consumer)s, %(topic)s, %(epoch)s, %(partition)s, %(position)s)
on conflict do nothing

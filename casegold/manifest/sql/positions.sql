select kafka_partition, position from source_position
where consumer = %(consumer)s and topic = %(topic)s and epoch = %(epoch)s

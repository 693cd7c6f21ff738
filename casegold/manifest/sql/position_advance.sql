update source_position set position = %(end)s, updated_at = clock_timestamp()
where consumer = %(consumer)s and topic = %(topic)s and epoch = %(epoch)s and kafka_partition = %(partition)s

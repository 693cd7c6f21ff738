select kafka_partition, start_offset, end_offset from source_loss where topic = %(topic)s and epoch = %(epoch)s

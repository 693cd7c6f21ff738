select topic, epoch, kafka_partition, start_offset, end_offset, accepted_at, accepted_by, reason
from source_loss
order by accepted_at desc, topic, kafka_partition
limit %(limit)s

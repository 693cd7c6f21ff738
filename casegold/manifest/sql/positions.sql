select kafka_partition, position, extract(epoch from clock_timestamp() - updated_at)::float8 as seconds_ago
from source_position
where consumer = %(consumer)s and topic = %(topic)s and epoch = %(epoch)s
order by kafka_partition

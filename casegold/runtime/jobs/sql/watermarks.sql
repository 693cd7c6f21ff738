select kafka_partition, max(effective_date) as latest
from silver_case_events
where source = $source and topic_id = $topic_id
group by kafka_partition

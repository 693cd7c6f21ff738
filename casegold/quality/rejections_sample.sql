-- The first ten open rejections that close the gate, for each date.
select business_date, reason, source, event_id, event_type, kafka_partition, kafka_offset, detail
from open_rejections
where closes
qualify row_number() over (partition by business_date order by kafka_partition, kafka_offset) <= 10
order by business_date, kafka_partition, kafka_offset

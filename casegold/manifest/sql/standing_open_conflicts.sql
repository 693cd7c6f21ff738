select source, event_id, event_type, case_id, effective_date, recorded_date, topic, kafka_partition as partition,
       kafka_offset as "offset", count(*) over () as total
from event_conflict
where state = 'OPEN'
order by effective_date, source, event_id, kafka_offset
limit %(limit)s

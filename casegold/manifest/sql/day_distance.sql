select coalesce(sum(greatest(0, place."offset" - coalesce(p.position, 0))), 0) as offsets
from jsonb_to_recordset(%(barrier)s) as place (topic text, epoch integer, partition integer, "offset" bigint)
left join source_position p
    on p.consumer = 'silver/case_events' and p.topic = place.topic and p.epoch = place.epoch
    and p.kafka_partition = place.partition

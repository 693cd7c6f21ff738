-- Open conflicts by the dates that they may affect: the date of the record in force and that of the conflicting record.
--   open_conflicts  source, event_id, event_type, case_id, effective_date, recorded_date, kafka_partition, kafka_offset
--   judged          business_date
select j.business_date, c.source, c.event_id, c.event_type, c.case_id, c.recorded_date, c.effective_date,
       c.kafka_partition, c.kafka_offset
from open_conflicts as c
inner join judged as j on j.business_date = c.effective_date or j.business_date = c.recorded_date
order by 1, 2, 3, 8, 9

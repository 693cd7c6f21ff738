-- The names that the gate's SQL asks for, cut to the pins and to the judged dates.
create or replace temp view admitted as select * from admitted_facts;
create or replace temp view facts as
select s.source, s.event_id, s.event_type, s.effective_date, s.emitted_at, x.event_id is null as counts
from silver_case_events as s
left join excluded_facts as x on x.source = s.source and x.event_id = s.event_id
where s.ingest_seq <= getvariable('admitted_seq')
  and s.effective_date between getvariable('first') and getvariable('last');
create or replace temp view rejected as
select reason, detail, source, event_id, event_type, effective_date, emitted_at, ingest_seq, kafka_timestamp,
       kafka_partition, kafka_offset
from bronze_rejected_events
where ingest_seq <= getvariable('admitted_seq')
  and (effective_date is null or effective_date between getvariable('first') and getvariable('last'));
-- Not cut to dates: a record rejected under one date and accepted under another is one event, whatever is judged.
create or replace temp view accepted as
select s.source, s.event_id
from silver_case_events as s
semi join rejected as r on r.source = s.source and r.event_id = s.event_id
where s.ingest_seq <= getvariable('admitted_seq');
create or replace temp view judged as
select d.business_date, before.end_at as start_at, c.close_seq, c.previous_close_seq
from business_days as d
left join business_days as before on before.business_date = d.business_date - 1
left join day_closes as c on c.business_date = d.business_date
where d.business_date between getvariable('first') and getvariable('last')

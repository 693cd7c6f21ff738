-- The names that the gate's SQL asks for, cut to the pins and to the judged dates.
create or replace temp view admitted as select * from admitted_facts;
create or replace temp view silver as
select source, event_id, event_type, effective_date, emitted_at
from silver_case_events
where ingest_seq <= getvariable('admitted_seq')
  and effective_date between getvariable('first') and getvariable('last');
create or replace temp view rejected as
select source, event_id, event_type, effective_date, emitted_at, reason
from bronze_rejected_events
where ingest_seq <= getvariable('admitted_seq') and event_type is not null
  and effective_date between getvariable('first') and getvariable('last');
-- Not cut to dates: a record rejected under one date and accepted under another is one event, whatever is judged.
create or replace temp view accepted as
select s.source, s.event_id
from silver_case_events as s
semi join rejected as r on r.source = s.source and r.event_id = s.event_id
where s.ingest_seq <= getvariable('admitted_seq');
create or replace temp view judged as
select business_date from business_days where business_date between getvariable('first') and getvariable('last')

-- What was known at the pinned sequence: a fact counts from its ingest sequence on, a held one from its approval.
create or replace temp view admitted_facts as
select s.*
from silver_case_events as s
left join excluded_facts as x on x.source = s.source and x.event_id = s.event_id
where s.ingest_seq <= getvariable('admitted_seq') and x.event_id is null

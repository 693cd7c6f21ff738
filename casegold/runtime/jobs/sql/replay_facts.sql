-- The facts that first change one of the dates, in the order in which they happened.
select source, event_id, event_type, case_id, occurred_at, emitted_at, sequence, schema_version, data
from admitted_facts
where dirty_from between getvariable('first') and getvariable('last')
order by occurred_at, case_id, sequence, source, event_id

-- The states of all other cases, read back from their rows of the date before the range. The count was floored to whole
-- seconds there; dates are whole seconds apart, so counting on from the floor gives the same floors.
create or replace temp table carried_states as
select
    previous.case_id,
    previous.snapshot_date as valid_from,
    cast('9999-12-31' as date) as valid_until,
    previous.case_type,
    previous.jurisdiction,
    previous.priority,
    previous.opened_at,
    previous.last_event_at,
    previous.last_event_type,
    previous.event_count,
    previous.evidence_count,
    previous.assignee,
    previous.team,
    previous.escalation_level,
    previous.clock_state,
    previous.clock_allowed_seconds * 1000000 as allowed_us,
    previous.clock_consumed_seconds * 1000000 as counted_us,
    unix_micros(day.end_at) as counted_at_us,
    unix_micros(previous.clock_deadline_at) as deadline_us,
    unix_micros(previous.breached_at) as breached_us,
    previous.decision,
    previous.decision_at,
    previous.penalty_amount,
    previous.currency,
    previous.closed_at
from previous_rows as previous
join business_days as day
    on day.business_date = previous.snapshot_date
left join affected_cases as affected
    on affected.case_id = previous.case_id
where affected.case_id is null

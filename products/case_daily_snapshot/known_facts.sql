-- The input, with instants as integer microseconds: all arithmetic below is exact and the same in every engine.
create or replace temp view known_facts as
select
    source,
    event_id,
    event_type,
    case_id,
    sequence,
    unix_micros(occurred_at) as occurred_us,
    effective_date,
    case_type,
    jurisdiction,
    priority,
    evidence_id,
    evidence_kind,
    assignee,
    team,
    escalation_level,
    allowance_seconds,
    unix_micros(deadline_at) as deadline_us,
    decision,
    penalty_amount,
    currency,
    corrected_event_id,
    correction_action,
    unix_micros(replacement_occurred_at) as replacement_us,
    replacement_effective_date
from silver_facts

-- The states of affected cases: one row per case and date with facts, valid until the next one.
-- The types in the joins follow from the positions; they spare the engine a hash table of all facts for each join.
create or replace temp table folded_states as
select
    progress.case_id,
    progress.valid_from,
    progress.valid_until,
    opening.case_type,
    opening.jurisdiction,
    opening.priority,
    timestamp_micros(first_opening.occurred_us) as opened_at,
    timestamp_micros(progress.occurred_us) as last_event_at,
    progress.event_type as last_event_type,
    cast(progress.position as bigint) as event_count,
    progress.evidence_count,
    assignment.assignee,
    assignment.team,
    coalesce(escalation.escalation_level, 0) as escalation_level,
    coalesce(clock.clock_state, 'NONE') as clock_state,
    clock.allowed_us,
    coalesce(clock.counted_us, 0) as counted_us,
    clock.occurred_us as counted_at_us,
    clock.deadline_us,
    clock.breached_us,
    decision.decision,
    timestamp_micros(decision.occurred_us) as decision_at,
    decision.penalty_amount,
    decision.currency,
    timestamp_micros(closing.occurred_us) as closed_at
from progress
join effective_facts as first_opening
    on first_opening.event_type = 'CaseOpened'
    and first_opening.case_id = progress.case_id and first_opening.position = progress.first_opening
join effective_facts as opening
    on opening.event_type = 'CaseOpened'
    and opening.case_id = progress.case_id and opening.position = progress.opening
left join effective_facts as assignment
    on assignment.event_type = 'CaseAssigned'
    and assignment.case_id = progress.case_id and assignment.position = progress.assignment
left join effective_facts as escalation
    on escalation.event_type = 'CaseEscalated'
    and escalation.case_id = progress.case_id and escalation.position = progress.escalation
left join effective_facts as decision
    on decision.event_type = 'DecisionIssued'
    and decision.case_id = progress.case_id and decision.position = progress.decision
left join effective_facts as closing
    on closing.event_type = 'CaseClosed'
    and closing.case_id = progress.case_id and closing.position = progress.closing
left join clock_states as clock
    on clock.case_id = progress.case_id and clock.position = progress.clock

-- The facts after corrections, numbered within their case in the order in which they apply.
create or replace temp table effective_facts as
with facts as (
    select
        fact.source, fact.event_id, fact.event_type, fact.case_id, fact.sequence, fact.occurred_us, fact.effective_date,
        fact.case_type, fact.jurisdiction, fact.priority, fact.assignee, fact.team, fact.escalation_level,
        fact.allowance_seconds, fact.deadline_us, fact.decision, fact.penalty_amount, fact.currency
    from known_facts as fact
    left join corrections_in_force as correction
        on correction.source = fact.source and correction.corrected_event_id = fact.event_id
    where fact.event_type <> 'CaseCorrected' and correction.event_id is null
    union all
    select
        fact.source, fact.event_id, fact.event_type, fact.case_id, fact.sequence,
        correction.replacement_us as occurred_us, correction.replacement_effective_date as effective_date,
        correction.case_type, correction.jurisdiction, correction.priority, correction.assignee, correction.team,
        correction.escalation_level, correction.allowance_seconds, correction.deadline_us, correction.decision,
        correction.penalty_amount, correction.currency
    from known_facts as fact
    join corrections_in_force as correction
        on correction.source = fact.source and correction.corrected_event_id = fact.event_id
    where correction.correction_action = 'REPLACE'
)
select
    facts.*,
    row_number() over (partition by case_id order by occurred_us, sequence, event_id, source) as position
from facts

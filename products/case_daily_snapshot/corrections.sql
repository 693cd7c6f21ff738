-- Every correction beside its target, and what keeps it from applying (null: nothing does). Whether a replacement suits
-- its target is only known here: the two may arrive years apart, in any order.
create or replace temp table corrections as
select
    correction.*,
    target.event_type as target_type,
    case
        when target.event_id is null then 'UNKNOWN_TARGET'
        when target.case_id <> correction.case_id then 'OTHER_CASE'
        when correction.correction_action = 'RETRACT' then null
        when correction.correction_action is distinct from 'REPLACE' then 'UNKNOWN_ACTION'
        when target.event_type = 'CaseCorrected' then 'REPLACES_CORRECTION'
        when correction.replacement_us is null or correction.replacement_effective_date is null
            then 'INVALID_REPLACEMENT'
        when target.event_type = 'CaseOpened' and (
            correction.case_type is null or correction.jurisdiction is null or correction.priority is null
        ) then 'INVALID_REPLACEMENT'
        when target.event_type = 'EvidenceReceived' and (
            correction.evidence_id is null or correction.evidence_kind is null
        ) then 'INVALID_REPLACEMENT'
        when target.event_type = 'CaseAssigned' and (correction.assignee is null or correction.team is null)
            then 'INVALID_REPLACEMENT'
        when target.event_type = 'CaseEscalated' and correction.escalation_level is null
            then 'INVALID_REPLACEMENT'
        when target.event_type = 'BreachClockStarted' and (
            correction.allowance_seconds is not null and correction.deadline_us is not null
        ) then 'INVALID_REPLACEMENT'
        when target.event_type = 'DecisionIssued' and (
            correction.decision is null or (correction.penalty_amount is not null and correction.currency is null)
        ) then 'INVALID_REPLACEMENT'
    end as obstacle
from known_facts as correction
left join known_facts as target
    on target.source = correction.source and target.event_id = correction.corrected_event_id
where correction.event_type = 'CaseCorrected'

-- For the last fact of each case and date: the positions of the facts that make up its state, and until when it holds.
create or replace temp table progress as
with located as (
    select
        case_id, position, event_type, occurred_us, effective_date,
        min(case when event_type = 'CaseOpened' then position end) over (partition by case_id) as first_opening
    from effective_facts
),
marked as (
    -- The first opening neither reopens nor ends a closing dated before it, so it is no mark.
    select
        located.*,
        coalesce(max(case when event_type = 'CaseClosed' then position end) over earlier, 0) as closed_before,
        coalesce(
            max(case when event_type = 'CaseOpened' and position > first_opening then position end) over earlier, 0
        ) as opened_before
    from located
    window earlier as (
        partition by case_id order by position rows between unbounded preceding and 1 preceding
    )
),
running as (
    select
        case_id, position, event_type, occurred_us, effective_date, first_opening,
        lead(effective_date) over (partition by case_id order by position) as next_date,
        sum(case when event_type = 'EvidenceReceived' then 1 else 0 end) over so_far as evidence_count,
        max(case when event_type = 'CaseOpened' then position end) over so_far as opening,
        max(case when event_type = 'CaseAssigned' then position end) over so_far as assignment,
        max(case when event_type = 'CaseEscalated' then position end) over so_far as escalation,
        max(case when event_type = 'DecisionIssued' then position end) over so_far as decision,
        max(case
            when event_type in ('BreachClockStarted', 'BreachClockPaused', 'DecisionIssued', 'CaseClosed') then position
        end) over so_far as clock,
        max(case when event_type = 'CaseClosed' and closed_before <= opened_before then position end) over so_far
            as closing,
        coalesce(max(case
            when event_type = 'CaseOpened' and position > first_opening and closed_before > opened_before then position
        end) over so_far, 0) as reopening
    from marked
    window so_far as (partition by case_id order by position rows between unbounded preceding and current row)
)
select
    case_id, position, event_type, occurred_us, first_opening, opening, assignment, escalation, clock,
    case when decision > reopening then decision end as decision,
    case when closing > reopening then closing end as closing,
    cast(evidence_count as bigint) as evidence_count,
    effective_date as valid_from,
    coalesce(next_date, cast('9999-12-31' as date)) as valid_until
from running
where position >= first_opening and (next_date is null or next_date > effective_date)

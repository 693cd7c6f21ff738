-- The rows of $first..$last. What the time alone changes is said here, once, for folded and carried states alike.
with days as (
    select business_date, unix_micros(end_at) as end_us
    from business_days
    where business_date >= $first and business_date <= $last
),
states as (
    select * from folded_states
    union all
    select * from carried_states
),
evaluated as (
    select
        states.*,
        days.business_date,
        case when clock_state = 'RUNNING' then counted_us + days.end_us - counted_at_us else counted_us end as consumed_us,
        coalesce(
            breached_us, case when clock_state = 'RUNNING' and deadline_us < days.end_us then deadline_us end
        ) as shown_breach_us
    from states
    join days on days.business_date >= states.valid_from and days.business_date < states.valid_until
)
select
    business_date as snapshot_date,
    case_id,
    case_type,
    jurisdiction,
    priority,
    case
        when closed_at is not null then 'CLOSED'
        when decision_at is not null then 'DECIDED'
        when escalation_level >= 1 then 'ESCALATED'
        else 'OPEN'
    end as status,
    opened_at,
    last_event_at,
    last_event_type,
    event_count,
    evidence_count,
    assignee,
    team,
    escalation_level,
    clock_state,
    allowed_us // 1000000 as clock_allowed_seconds,
    consumed_us // 1000000 as clock_consumed_seconds,
    timestamp_micros(deadline_us) as clock_deadline_at,
    shown_breach_us is not null as breached,
    timestamp_micros(shown_breach_us) as breached_at,
    decision,
    decision_at,
    penalty_amount,
    currency,
    closed_at
from evaluated
order by snapshot_date, case_id

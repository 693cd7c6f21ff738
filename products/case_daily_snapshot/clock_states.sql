-- The breach clock after each fact that can move it: whole microseconds, no instant of evaluation.
create or replace temp table clock_states as
with acts as (
    select
        case_id, position, occurred_us, allowance_seconds, deadline_us,
        case event_type when 'BreachClockStarted' then 'START' when 'BreachClockPaused' then 'PAUSE' else 'STOP' end as act
    from effective_facts
    where event_type in ('BreachClockStarted', 'BreachClockPaused', 'DecisionIssued', 'CaseClosed')
),
marked as (
    select
        acts.*,
        lead(occurred_us) over (partition by case_id order by position) as next_us,
        coalesce(max(case when act = 'START' then position end) over earlier, 0) as started_before,
        coalesce(max(case when act = 'START' then position end) over so_far, 0) as started,
        coalesce(max(case when act = 'PAUSE' then position end) over so_far, 0) as paused,
        coalesce(max(case when act = 'STOP' then position end) over so_far, 0) as stopped
    from acts
    window
        earlier as (partition by case_id order by position rows between unbounded preceding and 1 preceding),
        so_far as (partition by case_id order by position rows between unbounded preceding and current row)
),
numbered as (
    -- A start with no start since the last stop begins a new clock.
    select
        marked.*,
        sum(case when act = 'START' and started_before <= stopped then 1 else 0 end) over so_far as clock_number,
        case
            when started = 0 then 'NONE'
            when stopped > started then 'STOPPED'
            when paused > started then 'PAUSED'
            else 'RUNNING'
        end as clock_state
    from marked
    window so_far as (partition by case_id order by position rows between unbounded preceding and current row)
),
counted as (
    select
        numbered.*,
        cast(coalesce(sum(case when clock_state = 'RUNNING' then next_us - occurred_us else 0 end) over (
            partition by case_id, clock_number order by position rows between unbounded preceding and 1 preceding
        ), 0) as bigint) as counted_us
    from numbered
),
given as (
    select
        counted.*,
        case
            when act <> 'START' then null
            when allowance_seconds is not null then allowance_seconds * 1000000
            when deadline_us is not null then greatest(counted_us + deadline_us - occurred_us, 0)
        end as given_us
    from counted
),
termed as (
    select
        given.*,
        count(given_us) over (
            partition by case_id, clock_number order by position rows between unbounded preceding and current row
        ) as term
    from given
),
allowed as (
    select
        termed.*,
        max(given_us) over (partition by case_id, clock_number, term) as allowed_us
    from termed
),
projected as (
    -- Where the count reaches the allowance if no fact comes between; an allowance used up when given: there and then.
    select
        allowed.*,
        case
            when clock_state = 'RUNNING' and allowed_us is not null
                then occurred_us + greatest(allowed_us - counted_us, 0)
        end as reach_us
    from allowed
),
reached as (
    select projected.*, case when reach_us <= next_us then reach_us end as reached_us
    from projected
)
select
    case_id, position, clock_state, occurred_us, counted_us, allowed_us,
    case
        when clock_state = 'RUNNING' then coalesce(
            min(reached_us) over (
                partition by case_id, clock_number, term order by position
                rows between unbounded preceding and 1 preceding
            ),
            reach_us
        )
    end as deadline_us,
    min(reached_us) over (
        partition by case_id order by position rows between unbounded preceding and 1 preceding
    ) as breached_us
from reached

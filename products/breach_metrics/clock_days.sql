-- Each case on each day of the quarter: whether a clock began on it, and whether one lived in it.
create or replace temp table clock_days as
with every_day as (
    select snapshot_date, case_id, clock_state, clock_consumed_seconds from previous_quarter_end
    union all
    select snapshot_date, case_id, clock_state, clock_consumed_seconds from snapshot_rows
),
stepped as (
    select
        every_day.*,
        -- A case without a row the day before had no clock there.
        coalesce(lag(clock_state) over by_day, 'NONE') as state_then,
        coalesce(lag(clock_consumed_seconds) over by_day, 0) as consumed_then
    from every_day
    window by_day as (partition by case_id order by snapshot_date)
)
select
    stepped.case_id,
    case
        when stepped.clock_state = 'NONE' then 0
        when stepped.state_then = 'NONE' then 1
        when stepped.state_then = 'STOPPED' and stepped.clock_state <> 'STOPPED' then 1
        -- The count of one clock never falls.
        when stepped.clock_consumed_seconds < stepped.consumed_then then 1
        else 0
    end as started,
    case
        when stepped.clock_state in ('RUNNING', 'PAUSED') or stepped.state_then in ('RUNNING', 'PAUSED') then 1
        else 0
    end as live
from stepped
cross join period
where stepped.snapshot_date >= period.quarter_start

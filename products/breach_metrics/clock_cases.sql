-- One row for each case of the quarter's last day: where it belongs, and what it adds to each figure.
create or replace temp table clock_cases as
with clocks as (
    select case_id, sum(started) as started, max(live) as live
    from clock_days
    group by case_id
),
last_day as (
    select max(snapshot_date) as snapshot_date from snapshot_rows
),
told as (
    select
        last_row.case_id,
        last_row.case_type,
        last_row.jurisdiction,
        coalesce(last_row.team, '') as team,
        clocks.started,
        clocks.live,
        case when last_row.clock_state = 'RUNNING' then 1 else 0 end as running,
        -- What is dated before the case came into the register belongs to the quarter in which it came.
        case
            when last_row.breached_at >= period.starts_at then 1
            when last_row.breached and last_row.opened_at >= period.starts_at then 1
            else 0
        end as breached,
        last_row.clock_allowed_seconds as allowed,
        last_row.clock_consumed_seconds as consumed
    from snapshot_rows as last_row
    join last_day on last_day.snapshot_date = last_row.snapshot_date
    join clocks on clocks.case_id = last_row.case_id
    cross join period
),
clocked as (
    select told.*, case when started > 0 or live = 1 or breached = 1 then 1 else 0 end as with_clock from told
)
select
    clocked.*,
    -- Millionths of the allowance, half a millionth rounded up.
    case
        when with_clock = 1 and allowed > 0
            then (2000000 * consumed + allowed) // (2 * allowed)
    end as share
from clocked

-- One row for each case of the month's last day: where it belongs, and what it adds to each figure.
create or replace temp table report_cases as
with movements as (
    select
        case_id,
        sum(case when closed_at is not null and closed_at is distinct from closed_before then 1 else 0 end) as closings,
        sum(case when closed_before is not null and closed_at is distinct from closed_before then 1 else 0 end)
            as reopenings,
        max(case when escalation_level > level_before then 1 else 0 end) as escalated
    from case_days
    group by case_id
),
first_days as (
    select case_id, case when closed_before is null then 1 else 0 end as was_open
    from (
        select case_id, closed_before, row_number() over (partition by case_id order by snapshot_date) as place
        from case_days
    ) as numbered
    where place = 1
),
before_month as (
    select case_id, 1 as was_there from previous_month_end
),
last_day as (
    select max(snapshot_date) as snapshot_date from snapshot_rows
)
select
    last_row.case_id,
    last_row.case_type,
    last_row.jurisdiction,
    coalesce(last_row.team, '') as team,
    case
        when before_month.was_there is null and last_row.opened_at >= period.starts_at then 0
        else first_days.was_open
    end as open_at_start,
    case when last_row.opened_at >= period.starts_at then 1 else 0 end as opened,
    movements.reopenings as reopened,
    movements.closings as closed,
    case when last_row.status <> 'CLOSED' then 1 else 0 end as open_at_end,
    movements.escalated,
    -- What is dated before the case came into the register belongs to the month in which it came.
    case
        when last_row.breached_at >= period.starts_at then 1
        when last_row.breached and last_row.opened_at >= period.starts_at then 1
        else 0
    end as breached,
    case
        when last_row.decision_at >= period.starts_at then 1
        when last_row.decision_at is not null and last_row.opened_at >= period.starts_at then 1
        else 0
    end as decided,
    greatest(unix_micros(last_row.decision_at) - unix_micros(last_row.opened_at), 0) as decision_us,
    last_row.penalty_amount,
    last_row.currency
from snapshot_rows as last_row
join last_day on last_day.snapshot_date = last_row.snapshot_date
join movements on movements.case_id = last_row.case_id
join first_days on first_days.case_id = last_row.case_id
left join before_month on before_month.case_id = last_row.case_id
cross join period

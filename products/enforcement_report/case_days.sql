-- Each case on each day of the month, beside what it was a day earlier. Before the month lies `previous_month_end`;
-- for a case without a row there, its own dates tell: opened this month it is new, otherwise it was brought in.
create or replace temp table case_days as
with every_day as (
    select snapshot_date, case_id, opened_at, closed_at, escalation_level from previous_month_end
    union all
    select snapshot_date, case_id, opened_at, closed_at, escalation_level from snapshot_rows
),
stepped as (
    select
        every_day.*,
        lag(snapshot_date) over by_day as date_before,
        lag(closed_at) over by_day as closed_then,
        lag(escalation_level) over by_day as level_then
    from every_day
    window by_day as (partition by case_id order by snapshot_date)
)
select
    stepped.snapshot_date,
    stepped.case_id,
    stepped.closed_at,
    stepped.escalation_level,
    stepped.date_before,
    case
        when stepped.date_before is not null then stepped.closed_then
        when stepped.opened_at >= period.starts_at then null
        when stepped.closed_at < period.starts_at then stepped.closed_at
    end as closed_before,
    case
        when stepped.date_before is not null then stepped.level_then
        when stepped.opened_at >= period.starts_at then 0
        else stepped.escalation_level
    end as level_before
from stepped
cross join period
where stepped.snapshot_date >= period.report_month

-- Cases of the month's last day by case type. `period` has one row: month, first_date, last_date, starts_at, ends_at.
select
    period.month,
    case_type,
    count(*) as open_cases,
    count(*) filter (where breached) as breached_cases
from case_daily_snapshot
cross join period
where snapshot_date = period.last_date and status <> 'CLOSED'
group by period.month, case_type

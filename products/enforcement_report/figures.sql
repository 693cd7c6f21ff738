-- The report: one row for each group, measure and unit.
with groups as (
    select dimension, dimension_value from report_members
    union
    select 'TOTAL', ''
),
sums as (
    select
        groups.dimension,
        groups.dimension_value,
        coalesce(sum(open_at_start), 0) as open_at_start,
        coalesce(sum(opened), 0) as opened,
        coalesce(sum(reopened), 0) as reopened,
        coalesce(sum(closed), 0) as closed,
        coalesce(sum(open_at_end), 0) as open_at_end,
        coalesce(sum(escalated), 0) as escalated,
        coalesce(sum(breached), 0) as breached,
        coalesce(sum(decided), 0) as decided
    from groups
    left join report_members as members
        on members.dimension = groups.dimension and members.dimension_value = groups.dimension_value
    group by groups.dimension, groups.dimension_value
),
-- The middle one or two decisions by time taken. Counted out, because percentile functions turn approximate on Spark.
ranked as (
    select
        dimension,
        dimension_value,
        decision_us,
        row_number() over (partition by dimension, dimension_value order by decision_us, case_id) as place,
        count(*) over (partition by dimension, dimension_value) as decisions
    from report_members
    where decided = 1
),
-- Twice the median in microseconds, then hundredths of a day (864,000,000 us), half a hundredth rounded up.
medians as (
    select
        dimension,
        dimension_value,
        cast((cast(sum(case when decisions % 2 = 1 then 2 * decision_us else decision_us end) as bigint) + 864000000)
            // 1728000000 as bigint) as hundredths
    from ranked
    where place = (decisions + 1) // 2 or place = (decisions + 2) // 2
    group by dimension, dimension_value
),
figures as (
    select dimension, dimension_value, 'OPEN_AT_START' as measure, 'cases' as unit, open_at_start as amount from sums
    union all
    select dimension, dimension_value, 'OPENED', 'cases', opened from sums
    union all
    select dimension, dimension_value, 'REOPENED', 'cases', reopened from sums
    union all
    select dimension, dimension_value, 'CLOSED', 'cases', closed from sums
    union all
    select dimension, dimension_value, 'OPEN_AT_END', 'cases', open_at_end from sums
    union all
    select dimension, dimension_value, 'ESCALATED', 'cases', escalated from sums
    union all
    select dimension, dimension_value, 'BREACHED', 'cases', breached from sums
    union all
    select dimension, dimension_value, 'DECIDED', 'cases', decided from sums
),
told as (
    select dimension, dimension_value, measure, unit, cast(amount as decimal(28, 2)) as value from figures
    union all
    select
        sums.dimension,
        sums.dimension_value,
        'MEDIAN_DAYS_TO_DECISION',
        'days',
        cast(cast(medians.hundredths as decimal(18, 0)) * cast(0.01 as decimal(3, 2)) as decimal(28, 2))
    from sums
    left join medians on medians.dimension = sums.dimension and medians.dimension_value = sums.dimension_value
    union all
    select dimension, dimension_value, 'PENALTIES', currency, cast(sum(penalty_amount) as decimal(28, 2))
    from report_members
    where decided = 1 and penalty_amount is not null
    group by dimension, dimension_value, currency
)
select period.report_month, told.dimension, told.dimension_value, told.measure, told.unit, told.value
from told
cross join period
order by dimension, dimension_value, measure, unit

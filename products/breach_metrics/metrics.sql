-- The quarter's figures: one row for each case type, jurisdiction and team that has a case on its last day.
with sums as (
    select
        case_type,
        jurisdiction,
        team,
        cast(count(*) as bigint) as cases,
        cast(sum(with_clock) as bigint) as cases_with_clock,
        cast(sum(started) as bigint) as clocks_started,
        cast(sum(running) as bigint) as clocks_running,
        cast(sum(breached) as bigint) as cases_breached,
        cast(count(share) as bigint) as shares_measured
    from clock_cases
    group by case_type, jurisdiction, team
),
-- Nearest rank, counted out, because percentile functions turn approximate on Spark.
ranked as (
    select
        case_type,
        jurisdiction,
        team,
        share,
        row_number() over (partition by case_type, jurisdiction, team order by share, case_id) as place,
        count(*) over (partition by case_type, jurisdiction, team) as shares
    from clock_cases
    where share is not null
),
percentiles as (
    select
        case_type,
        jurisdiction,
        team,
        max(case when place = (50 * shares + 99) // 100 then share end) as p50,
        max(case when place = (90 * shares + 99) // 100 then share end) as p90
    from ranked
    group by case_type, jurisdiction, team
),
told as (
    select
        sums.*,
        case
            when cases_with_clock > 0
                then (2000000 * cases_breached + cases_with_clock) // (2 * cases_with_clock)
        end as rate
    from sums
)
select
    period.quarter_start,
    told.case_type,
    told.jurisdiction,
    told.team,
    told.cases,
    told.cases_with_clock,
    told.clocks_started,
    told.clocks_running,
    told.cases_breached,
    cast(cast(told.rate as decimal(9, 0)) * cast(0.000001 as decimal(7, 6)) as decimal(9, 6)) as breach_rate,
    told.shares_measured,
    cast(cast(percentiles.p50 as decimal(18, 0)) * cast(0.000001 as decimal(7, 6)) as decimal(18, 6))
        as consumed_share_p50,
    cast(cast(percentiles.p90 as decimal(18, 0)) * cast(0.000001 as decimal(7, 6)) as decimal(18, 6))
        as consumed_share_p90
from told
left join percentiles
    on percentiles.case_type = told.case_type
    and percentiles.jurisdiction = told.jurisdiction
    and percentiles.team = told.team
cross join period
order by told.case_type, told.jurisdiction, told.team

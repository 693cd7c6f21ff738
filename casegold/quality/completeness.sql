-- Per date, source and type: facts in the figures compared with the control total of the source.
--   facts           source, event_id, event_type, effective_date, emitted_at, counts: facts in silver up to the pin;
--                   counts is false for facts that are held or that a person refused: they are in no figure
--   open_rejections business_date, source, event_type, emitted_at: see rejections.sql
--   totals          source, business_date, event_type, count, as_of, revision: up to the pin
--   declared        source: the sources of the contract; totals from any other source are ignored
--   judged          business_date: the dates to judge
with latest as (
    select source, business_date, event_type, count, as_of, revision
    from (
        select t.*, row_number() over (partition by source, business_date, event_type order by revision desc) as rank
        from totals as t
        semi join declared as d on d.source = t.source
    ) as ranked
    where rank = 1
),
arrived as (
    select source, event_type, effective_date, emitted_at,
           case when counts then 1 else 0 end as silver, case when counts then 0 else 1 end as held, 0 as rejected
    from facts
    union all
    select source, event_type, business_date, emitted_at, 0, 0, 1
    from open_rejections
    where placed and event_type is not null and source is not null
),
-- Covered = sent by the time the total was taken. A record without a sending time is treated as sent in time.
placed as (
    select
        a.effective_date, a.source, a.event_type, a.silver, a.held, a.rejected,
        case when l.revision is null or a.emitted_at > l.as_of then 0 else 1 end as covered
    from arrived as a
    inner join judged as j on j.business_date = a.effective_date
    left join latest as l
        on l.source = a.source and l.business_date = a.effective_date and l.event_type = a.event_type
),
counted as (
    select
        effective_date as business_date,
        source,
        event_type,
        sum(silver * covered) as silver,
        sum(held * covered) as held,
        sum(rejected * covered) as rejected,
        sum((1 - covered) * silver) as not_covered
    from placed
    group by effective_date, source, event_type
),
promised as (
    select l.* from latest as l inner join judged as j on j.business_date = l.business_date
)
select
    coalesce(p.business_date, c.business_date) as business_date,
    coalesce(p.source, c.source) as source,
    coalesce(p.event_type, c.event_type) as event_type,
    p.revision as revision,
    p.as_of as as_of,
    p.count as expected,
    cast(coalesce(c.silver, 0) as bigint) as silver,
    cast(coalesce(c.held, 0) as bigint) as held,
    cast(coalesce(c.rejected, 0) as bigint) as rejected,
    cast(coalesce(c.not_covered, 0) as bigint) as not_covered
from promised as p
full outer join counted as c
    on c.business_date = p.business_date and c.source = p.source and c.event_type = p.event_type
order by 1, 2, 3

-- Per date, source and type: what arrived against what the source counted.
--   silver          source, event_id, event_type, effective_date, emitted_at: accepted events up to the pin
--   accepted        source, event_id: which of the rejected ids are in silver up to the pin, under whatever date
--   rejected        the same columns and reason: rejected records up to the pin whose type and date are known
--   open_conflicts  the same columns and case_id: conflicts that nobody has settled, each distinct record once
--   totals          source, business_date, event_type, count, as_of, revision: up to the pin
--   judged          business_date: the dates asked for
with latest as (
    select source, business_date, event_type, count, as_of, revision
    from (
        select t.*, row_number() over (partition by source, business_date, event_type order by revision desc) as rank
        from totals as t
    ) as ranked
    where rank = 1
),
-- A record that is rejected again, or accepted after an upgrade, is one event.
turned_away as (
    select source, event_id, event_type, effective_date, min(emitted_at) as emitted_at
    from rejected
    where reason <> 'CONFLICT'
      and event_id is not null
      and not exists (
          select 1 from accepted where accepted.source = rejected.source and accepted.event_id = rejected.event_id
      )
    group by source, event_id, event_type, effective_date
    union all
    select source, event_id, event_type, effective_date, emitted_at
    from rejected
    where reason <> 'CONFLICT' and event_id is null
),
conflicting as (
    select distinct source, event_id, case_id, event_type, effective_date, emitted_at from open_conflicts
),
arrived as (
    select source, event_type, effective_date, emitted_at, 1 as silver, 0 as rejected, 0 as conflicts from silver
    union all
    select source, event_type, effective_date, emitted_at, 0, 1, 0 from turned_away
    union all
    select source, event_type, effective_date, emitted_at, 0, 0, 1 from conflicting
),
-- Covered = sent until the total was taken. A record without a sending time is taken for sent in time.
placed as (
    select
        a.effective_date, a.source, a.event_type, a.silver, a.rejected, a.conflicts,
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
        sum(rejected * covered) as rejected,
        sum(conflicts * covered) as conflicts,
        sum(1 - covered) as not_covered
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
    cast(coalesce(c.rejected, 0) as bigint) as rejected,
    cast(coalesce(c.conflicts, 0) as bigint) as conflicts,
    cast(coalesce(c.not_covered, 0) as bigint) as not_covered
from promised as p
full outer join counted as c
    on c.business_date = p.business_date and c.source = p.source and c.event_type = p.event_type
order by 1, 2, 3

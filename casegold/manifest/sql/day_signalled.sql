with first_counts as (
    select business_date, source, event_type, min(totals_seq) as totals_seq
    from control_total
    where business_date between %(first)s and %(last)s
      and source = any(%(sources)s) and event_type = any(%(types)s)
    group by business_date, source, event_type
),
counted as (
    select business_date, source, max(totals_seq) as totals_seq
    from first_counts
    group by business_date, source
    having count(*) = cardinality(%(types)s::text[])
),
signals as (
    select business_date, count(*) as sources,
           jsonb_agg(jsonb_build_object('source', source, 'signal', 'controlTotals', 'totals_seq', totals_seq)
                     order by source) as of_counting
    from counted
    group by business_date
)
select %(first)s::date + n as business_date, coalesce(s.of_counting, '[]') || %(others)s as signals
from generate_series(0, %(last)s::date - %(first)s::date) as n
left join signals s on s.business_date = %(first)s::date + n
where coalesce(s.sources, 0) = cardinality(%(sources)s::text[])
  and not exists (
      select from day_barrier b where b.business_date = %(first)s::date + n and b.barrier @> %(of_epoch)s)
order by business_date

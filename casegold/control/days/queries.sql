-- name: day_latest
select max(business_date) as latest from day_close

-- name: day_first
select min(business_date) as first
from (
    select business_date
    from control_total
    where business_date >= %(first_date)s and source = any(%(sources)s)
    group by business_date
    having count(distinct source) = cardinality(%(sources)s::text[])
) as counted_by_all

-- name: day_signalled
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

-- name: day_barrier_set
insert into day_barrier as old (business_date, barrier, signals)
select business_date, %(barrier)s, signals
from unnest(%(dates)s::date[], %(signals)s::jsonb[]) as signalled (business_date, signals)
on conflict (business_date) do update
set barrier = excluded.barrier, signals = excluded.signals, read_at = excluded.read_at
where not old.barrier @> %(of_epoch)s

-- name: day_close
with open_dates as (
    select %(first)s::date + n as business_date
    from generate_series(0, %(last)s::date - %(first)s::date) as n
),
-- Dates close in order: every date after the first one that waits must wait, too.
waiting as (
    select min(d.business_date) as first
    from open_dates d
    left join day_barrier b on b.business_date = d.business_date and b.barrier @> %(of_epoch)s
    where b.business_date is null
       or exists (
           select
           from jsonb_to_recordset(b.barrier) as place (topic text, epoch integer, partition integer, "offset" bigint)
           left join source_position p
               on p.consumer = 'silver/case_events' and p.topic = place.topic and p.epoch = place.epoch
               and p.kafka_partition = place.partition
           where coalesce(p.position, 0) < place."offset")
)
insert into day_close (business_date, previous_date, barrier, signals, close_seq, totals_seq)
select d.business_date,
       case when d.business_date > %(first)s or exists (select from day_close) then d.business_date - 1 end,
       b.barrier, b.signals,
       (select coalesce(max(seq), 0) from ingest_commit where dataset = 'silver/case_events'),
       (select coalesce(max(seq), 0) from ingest_commit where dataset = 'bronze/control_totals')
from open_dates d
join day_barrier b on b.business_date = d.business_date
cross join waiting w
where w.first is null or d.business_date < w.first
order by d.business_date
returning business_date

-- name: day_close_by_hand
insert into day_close (business_date, previous_date, barrier, signals, close_seq, totals_seq, closed_by, reason)
select %(day)s, case when exists (select from day_close) then %(day)s::date - 1 end, %(barrier)s, %(signals)s,
       (select coalesce(max(seq), 0) from ingest_commit where dataset = 'silver/case_events'),
       (select coalesce(max(seq), 0) from ingest_commit where dataset = 'bronze/control_totals'),
       session_user, %(reason)s

-- name: day_missing
select source, array_agg(event_type order by event_type) as types
from unnest(%(sources)s::text[]) as sources (source)
cross join unnest(%(types)s::text[]) as types (event_type)
where not exists (
    select from control_total t
    where t.business_date = %(day)s and t.source = sources.source and t.event_type = types.event_type)
group by source
order by source

-- name: day_distance
select coalesce(sum(greatest(0, place."offset" - coalesce(p.position, 0))), 0) as offsets
from jsonb_to_recordset(%(barrier)s) as place (topic text, epoch integer, partition integer, "offset" bigint)
left join source_position p
    on p.consumer = 'silver/case_events' and p.topic = place.topic and p.epoch = place.epoch
    and p.kafka_partition = place.partition

-- name: day_barrier_get
select barrier from day_barrier where business_date = %(day)s and barrier @> %(of_epoch)s

-- name: register
select
    (select min(business_date) from day_close) as first,
    (select max(business_date) from day_close) as latest,
    (select coalesce(max(seq), 0) from ingest_commit where dataset = 'silver/case_events') as admitted_seq,
    (select coalesce(max(seq), 0) from ingest_commit where dataset = 'bronze/control_totals') as totals_seq

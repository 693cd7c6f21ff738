with open_dates as (
    select %(first)s::date + n as business_date
    from generate_series(0, %(last)s::date - %(first)s::date) as n
),
-- Dates close in order: what follows the first date that waits, waits too.
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

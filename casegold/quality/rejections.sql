-- The open rejected records of each date: facts that are known to be missing from its figures.
--   rejected        reason, detail, source, event_id, event_type, effective_date, emitted_at, ingest_seq, kafka_timestamp,
--                   kafka_partition, kafka_offset: rejected records up to the pin, with a judged date or without a date
--   accepted        source, event_id: the rejected ids that are in silver up to the pin, with any date
--   declared        source: the sources of the contract
--   totals          source, business_date, event_type, count, as_of, revision: up to the pin
--   judged          business_date, start_at, close_seq, previous_close_seq
--   types           event_type: every event type that control totals cover
create or replace temp table open_rejections as
with recounts as (
    -- Only a recount (a higher revision) settles a rejection. The first count was made before the source knew of it.
    select source, business_date, event_type, arg_max(as_of, revision) as as_of
    from totals
    group by source, business_date, event_type
    having max(revision) > min(revision)
),
counting as (
    -- Sources that counted every type of a date: their totals reveal a missing record even if its date is unreadable.
    select t.business_date, t.source
    from totals as t
    inner join types as k on k.event_type = t.event_type
    group by t.business_date, t.source
    having count(distinct t.event_type) = (select count(*) from types)
),
silent as (
    select j.business_date, d.source
    from judged as j
    cross join declared as d
    left join counting as c on c.business_date = j.business_date and c.source = d.source
    where c.source is null
),
concerning as (
    -- Records of undeclared sources are kept and shown elsewhere, but never count. Conflicts have their own check.
    select r.*
    from rejected as r
    left join declared as d on d.source = r.source
    left join accepted as a on a.source = r.source and a.event_id = r.event_id
    where r.reason <> 'CONFLICT' and a.event_id is null and (r.source is null or d.source is not null)
),
placed as (
    select
        r.*,
        r.effective_date as business_date,
        row_number() over (
            partition by r.source, r.event_id, r.effective_date
            order by r.ingest_seq, r.kafka_partition, r.kafka_offset
        ) as repetition
    from concerning as r
    inner join judged as j on j.business_date = r.effective_date
),
-- A record without a readable date counts against every date that it may belong to: the first date that closed after it
-- arrived, and every later date that had begun by its Kafka timestamp. The first date alone would be enough if the
-- clocks of producers were right.
unplaced as (
    select r.*, j.business_date
    from concerning as r
    inner join judged as j
        on r.effective_date is null and r.ingest_seq <= j.close_seq
        and (r.ingest_seq > j.previous_close_seq or r.kafka_timestamp >= j.start_at)
)
select
    p.business_date, p.reason, p.detail, p.source, p.event_id, p.event_type, p.emitted_at,
    p.kafka_partition, p.kafka_offset, true as placed, true as closes
from placed as p
left join recounts as c
    on c.business_date = p.business_date and c.source = p.source and c.event_type = p.event_type
-- Repeated rejections of one event count once. Records without an id cannot be compared, so each of them counts.
where (p.repetition = 1 or p.event_id is null)
  and (c.as_of is null or coalesce(p.emitted_at, p.kafka_timestamp) > c.as_of)
union all
select
    u.business_date, u.reason, u.detail, u.source, u.event_id, u.event_type, u.emitted_at,
    u.kafka_partition, u.kafka_offset, false,
    exists (
        select 1 from silent as s
        where s.business_date = u.business_date and (u.source is null or s.source = u.source)
    )
from unplaced as u

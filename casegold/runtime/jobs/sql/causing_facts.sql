-- Facts that began to count within a span and change a date of it. A held fact counts from its approval on.
with counted as (
    select s.source, s.event_id, s.event_type, s.case_id, s.occurred_at, coalesce(a.dirty_from, s.dirty_from) as dirty_from,
           s.recorded_at, coalesce(a.admitted_seq, s.ingest_seq) as counts_from, a.event_id is not null as held
    from silver_case_events as s
    left join admissions as a on a.source = s.source and a.event_id = s.event_id
    where a.event_id is null or a.admitted_seq is not null
)
select c.*, count(*) over () as facts
from counted as c
where exists (select 1 from spans as p
              where c.dirty_from <= p.last and c.counts_from > p.after_seq and c.counts_from <= p.until_seq)
order by c.counts_from, c.dirty_from, c.source, c.event_id
limit $limit

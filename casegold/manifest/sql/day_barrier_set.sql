insert into day_barrier as old (business_date, barrier, signals)
select business_date, %(barrier)s, signals
from unnest(%(dates)s::date[], %(signals)s::jsonb[]) as signalled (business_date, signals)
on conflict (business_date) do update
set barrier = excluded.barrier, signals = excluded.signals, read_at = excluded.read_at
where not old.barrier @> %(of_epoch)s

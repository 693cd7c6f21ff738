-- Facts that count by a sequence, by the first date that each changes.
select coalesce(sum(facts), 0)::bigint as events
from ingest_dates
where dirty_from between %(first)s and %(last)s and ingest_seq <= %(admitted_seq)s

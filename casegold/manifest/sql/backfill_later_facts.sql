-- Facts that count since a plan was made, other than by an admission of its own, and that change what it restates.
select coalesce(sum(facts), 0)::bigint as facts
from ingest_dates
where ingest_seq > %(admitted_seq)s and dirty_from <= %(last)s

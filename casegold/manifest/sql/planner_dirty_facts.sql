select coalesce(sum(i.facts), 0)::bigint as facts
from ingest_dates i
where i.dirty_from >= %(first)s
  and i.ingest_seq > (select s.seen_seq from partition_state s
                      where s.dataset = %(dataset)s and s.partition_key = greatest(i.dirty_from, %(first)s))

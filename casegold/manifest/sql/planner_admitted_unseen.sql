-- Whether some date has not seen facts that two people admitted: to restate them is a backfill's work, not the planner's.
select 1
from ingest_dates i
join ingest_commit c on c.dataset = i.dataset and c.seq = i.ingest_seq and c.kind = 'ADMISSION'
where i.ingest_seq > (select min(s.seen_seq) from partition_state s
                      where s.dataset = %(dataset)s and s.current_version is not null
                        and s.partition_key >= i.dirty_from)
limit 1

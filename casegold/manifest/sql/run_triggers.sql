-- The events that started a run: those of the ledger that name it, and the one that asked for the backfill it is part
-- of, which the request's reason names.
select t.source, t.event_id, t.event_type, t.received_at, t.decision, t.topic_id, t.kafka_partition, t.kafka_offset,
       t.duplicates, t.last_duplicate_at
from trigger_ledger t
where t.run_id = %(run_id)s
   or (t.decision = 'REQUESTED_BACKFILL'
       and exists (select from backfill_request b
                   where b.backfill_run_id = %(backfill)s
                     and starts_with(b.reason, t.source || ' asked by event ' || t.event_id || ': ')))
order by t.received_at, t.source, t.event_id

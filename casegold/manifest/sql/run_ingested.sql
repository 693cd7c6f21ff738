-- What an ingest, or an approval that admits facts, committed: a row for each sequence number.
select c.dataset, c.seq as sequence, c.kind, c.attempt, c.snapshot_id, c.committed_at, c.records, c.accepted,
       c.duplicates, c.conflicts, c.rejected, c.rejected_by_reason,
       coalesce((select jsonb_agg(jsonb_build_object(
                            'topic', r.topic, 'epoch', r.epoch, 'partition', r.kafka_partition,
                            'start', r.start_offset, 'end', r.end_offset, 'records', r.records,
                            'non_records', r.non_records, 'lost', r.lost)
                        order by r.topic, r.epoch, r.kafka_partition, r.start_offset)
                 from ingest_source_range r where r.dataset = c.dataset and r.seq = c.seq), '[]') as ranges
from ingest_commit c
where c.run_id = %(run_id)s
order by c.dataset, c.seq
